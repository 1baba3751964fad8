ALTER TABLE diesel_user DROP COLUMN active;

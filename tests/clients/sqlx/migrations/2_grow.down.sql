ALTER TABLE sqlx_post DROP COLUMN note;
ALTER TABLE sqlx_user DROP COLUMN active;

DROP TABLE diesel_post;
DROP TABLE diesel_user;

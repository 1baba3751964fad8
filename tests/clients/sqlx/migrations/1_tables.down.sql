DROP TABLE sqlx_post;
DROP TABLE sqlx_user;

-- no-transaction
CREATE INDEX sqlx_post_title ON sqlx_post (title);

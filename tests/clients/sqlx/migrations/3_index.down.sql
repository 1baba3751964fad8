-- no-transaction
DROP INDEX sqlx_post_title;

-- several statements in one file
CREATE TABLE sqlx_user (
    id BIGSERIAL PRIMARY KEY,
    email TEXT NOT NULL UNIQUE
);
CREATE TABLE sqlx_post (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id BIGINT NOT NULL REFERENCES sqlx_user (id),
    title TEXT NOT NULL
);
CREATE INDEX sqlx_post_user ON sqlx_post (user_id);
INSERT INTO sqlx_user (email) VALUES ('ada@example.org'), ('grace@example.org');

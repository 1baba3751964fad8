CREATE TABLE diesel_user (
    id SERIAL PRIMARY KEY,
    email VARCHAR NOT NULL UNIQUE
);
CREATE TABLE diesel_post (
    id BIGSERIAL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES diesel_user (id),
    title TEXT NOT NULL
);
CREATE INDEX diesel_post_user ON diesel_post (user_id);
INSERT INTO diesel_user (email) VALUES ('ada@example.org'), ('grace@example.org');

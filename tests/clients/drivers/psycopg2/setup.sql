CREATE DATABASE psycopg2_test;
\connect psycopg2_test
CREATE EXTENSION hstore;

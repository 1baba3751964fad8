CREATE DATABASE sqlalchemy_test;
\connect sqlalchemy_test
ALTER DATABASE sqlalchemy_test SET default_text_search_config TO 'pg_catalog.english';
CREATE SCHEMA test_schema;
CREATE SCHEMA test_schema_2;
CREATE EXTENSION hstore;
CREATE EXTENSION citext;

"""Measures proxies between plaintext clients and a PostgreSQL with TLS, side by side."""

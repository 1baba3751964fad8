"""AWS's connector and SDK against the local cluster itself, without the proxy."""

import asyncio
import contextlib
import datetime
import os
import shlex
import ssl
import unittest.mock

import aurora_dsql_psycopg
import boto3
import psycopg
from check import check, run
from login import Refused, login


def _variables(path):
    with open(path, encoding="utf-8") as lines:
        words = [word for line in lines for word in shlex.split(line, comments=True)]
    return dict(word.split("=", 1) for word in words if "=" in word)


LOCAL = _variables(os.environ["DSQL_LOCAL_ENV"])
ENDPOINT = LOCAL["DSQL_PROXY_CLUSTER_ENDPOINT"]
REGION = LOCAL["AWS_REGION"]
CA_FILE = LOCAL["SSL_CERT_FILE"]
HOST, PORT = LOCAL["DSQL_PROXY_UPSTREAM_ADDRESS"].rsplit(":", 1)
ADDRESS = (HOST.strip("[]"), int(PORT))
OTHER_REGION = "eu-west-1" if REGION != "eu-west-1" else "us-east-1"

# Only what this file sets may decide: neither the proxy's address nor the user's own account.
for name in list(os.environ):
    if name.startswith(("PG", "AWS_")) or name == "DATABASE_URL":
        del os.environ[name]
os.environ.update(
    {name: value for name, value in LOCAL.items() if name.startswith("AWS_")},
    AWS_EC2_METADATA_DISABLED="true",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
)


@contextlib.contextmanager
def environment(**variables):
    with unittest.mock.patch.dict(os.environ, variables):
        yield


def parameters(**changes):
    """What a user gives the connector to reach a cluster at another address."""
    return {
        "host": ENDPOINT,
        "hostaddr": ADDRESS[0],
        "port": ADDRESS[1],
        "region": REGION,
        "user": "admin",
        "dbname": "postgres",
        "sslmode": "verify-full",
        "sslnegotiation": "direct",
        "sslrootcert": CA_FILE,
        "connect_timeout": 30,
        **changes,
    }


def connect(**changes):
    return aurora_dsql_psycopg.connect(**parameters(**changes))


def token(action="admin", *, host=ENDPOINT, region=REGION, expires=900, age=0):
    """A token of the SDK, signed `age` seconds ago."""
    client = boto3.Session().client("dsql", region_name=REGION)
    sign = client.generate_db_connect_admin_auth_token if action == "admin" else client.generate_db_connect_auth_token
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=age)
    with unittest.mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: then):
        return sign(host, region, expires)


def refusal(password, user="admin", **how):
    """The error that a login with this password gets; fails when it is let in."""
    try:
        login(ADDRESS, CA_FILE, ENDPOINT, user, password, **how)
    except Refused as refused:
        return refused
    raise AssertionError("the login was accepted")


def assert_denied(refused, hint=""):
    assert refused.severity == "FATAL", refused
    assert refused.sqlstate == "28000", refused
    assert refused.message.startswith("unable to accept connection, access denied"), refused
    assert hint in refused.hint, refused


def assert_connector_denied(**changes):
    try:
        connect(**changes).close()
    except psycopg.OperationalError as error:
        assert "unable to accept connection, access denied" in str(error), str(error)
        return str(error)
    raise AssertionError("the login was accepted")


# --- let in ------------------------------------------------------------------------------


@check("the connector, direct TLS")
def _():
    with connect() as conn:
        assert conn.pgconn.ssl_in_use
        row = conn.execute("select current_user::text, current_database()::text").fetchone()
        assert row == ("admin", "postgres"), row


@check("the connector, TLS by SSLRequest")
def _():
    with connect(sslnegotiation="postgres") as conn:
        assert conn.pgconn.ssl_in_use
        assert conn.execute("select %s::int", [1]).fetchone() == (1,)


@check("the connector, asyncio")
async def _():
    async with await aurora_dsql_psycopg.DSQLAsyncConnection.connect(**parameters()) as conn:
        assert await (await conn.execute("select 1")).fetchone() == (1,)


@check("the connector's pool")
def _():
    with aurora_dsql_psycopg.create_pool(kwargs=parameters(), min_size=2, max_size=4, open=False) as pool:
        for i in range(10):
            with pool.connection() as conn:
                assert conn.execute("select %s::int", [i]).fetchone() == (i,)


@check("the SDK's token, for the shortest and the longest time")
def _():
    for password in (token(expires=30), token(expires=604800), token(expires=900, age=800)):
        login(ADDRESS, CA_FILE, ENDPOINT, "admin", password)


@check("a token serves many logins")
def _():
    password = token()
    for direct in (True, False, True):
        login(ADDRESS, CA_FILE, ENDPOINT, "admin", password, direct=direct)


# --- refused -----------------------------------------------------------------------------


@check("a wrong secret")
def _():
    with environment(AWS_SECRET_ACCESS_KEY="x" * 40):
        assert_connector_denied()
        assert_denied(refusal(token()))


@check("a wrong access key")
def _():
    with environment(AWS_ACCESS_KEY_ID="AKIAOTHEROTHEROTHER0"):
        assert_connector_denied()
        assert_denied(refusal(token()))


@check("a wrong region")
def _():
    assert_connector_denied(region=OTHER_REGION)
    assert_denied(refusal(token(region=OTHER_REGION)), "Credential should be scoped to a valid region")


@check("admin with a token of the action DbConnect")
def _():
    assert_denied(refusal(token("role")), "Wrong user to action mapping. user: admin, action: DbConnect")


@check("another role with a token of the action DbConnectAdmin")
def _():
    assert_denied(
        refusal(token("admin"), user="app"), "Wrong user to action mapping. user: app, action: DbConnectAdmin"
    )


@check("an expired token")
def _():
    assert_denied(refusal(token(expires=900, age=960)), "Signature expired")


@check("a token of another cluster")
def _():
    other = "z" * 26 + ENDPOINT[ENDPOINT.index(".") :]
    assert_denied(refusal(token(host=other)))


@check("a token with one character changed")
def _():
    password = token()
    assert_denied(refusal(password[:-1] + ("0" if password[-1] != "0" else "1")))


@check("a longer life written into a signed token")
def _():
    password = token(expires=60, age=120)
    assert_denied(refusal(password))
    assert_denied(refusal(password.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")))


@check("no token at all")
def _():
    for password in ("", "postgres", "x" * 2_000, ENDPOINT + "/?Action=DbConnectAdmin"):
        assert refusal(password).sqlstate == "28000"


# --- TLS ---------------------------------------------------------------------------------


@check("no TLS, no login")
def _():
    password = token()
    login(ADDRESS, CA_FILE, ENDPOINT, "admin", password)
    try:
        login(ADDRESS, CA_FILE, ENDPOINT, "admin", password, tls=False)
    except (Refused, ConnectionError):
        return
    raise AssertionError("a login without TLS was accepted")


@check("no SNI, no login")
def _():
    password = token()
    for direct in (True, False):
        login(ADDRESS, CA_FILE, ENDPOINT, "admin", password, direct=direct)
        try:
            login(ADDRESS, CA_FILE, ENDPOINT, "admin", password, sni=False, direct=direct)
        except Refused as refused:
            assert "sni was not received" in refused.message, refused
            continue
        except (ConnectionError, ssl.SSLError):
            continue
        raise AssertionError(f"a login without SNI was accepted, direct: {direct}")


@check("the certificate is the cluster's own, from the cluster's own CA")
def _():
    try:
        login(ADDRESS, None, ENDPOINT, "admin", token())
    except ssl.SSLCertVerificationError:
        pass
    else:
        raise AssertionError("it was verified with the roots of the system")
    # Another cluster's name is turned away before there is a certificate to look at.
    try:
        login(ADDRESS, CA_FILE, "other." + ENDPOINT, "admin", token())
    except ssl.SSLError:
        pass
    else:
        raise AssertionError("another cluster's name was served")


# --- identity ----------------------------------------------------------------------------


@check("DSQL's identity")
def _():
    reported = login(ADDRESS, CA_FILE, ENDPOINT, "admin", token())
    assert reported["server_version"].startswith("16."), reported
    assert reported["client_encoding"] == "UTF8", reported
    assert reported["TimeZone"] == "UTC", reported
    with connect(autocommit=True) as conn:
        assert conn.execute("select version()").fetchone()[0].startswith("PostgreSQL 16")
        assert conn.execute("show transaction_isolation").fetchone() == ("repeatable read",)
        assert conn.execute("show server_version").fetchone()[0].startswith("16.")


@check("DSQL's session parameters")
def _():
    text = 'setting configuration parameter "statement_timeout" not supported'
    with connect(autocommit=True) as conn:
        conn.execute("set search_path = public")
        conn.execute("set timezone = 'UTC'")
        try:
            conn.execute("set statement_timeout = 1000")
            raise AssertionError("SET statement_timeout was accepted")
        except psycopg.errors.FeatureNotSupported as error:
            assert error.diag.message_primary == text, error.diag.message_primary
    refused = refusal(token(), statement_timeout="1000")
    assert (refused.sqlstate, refused.severity) == ("0A000", "FATAL"), refused
    assert text in refused.message, refused


run("dsql-direct")

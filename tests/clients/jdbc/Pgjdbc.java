import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.postgresql.PGConnection;
import org.postgresql.PGStatement;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Checks of pgjdbc. The server's address comes from PGHOST, PGPORT, PGUSER, PGDATABASE. */
public final class Pgjdbc {
    private static final String TABLE = "pgjdbc_" + UUID.randomUUID().toString().replace("-", "").substring(0, 12);
    private static int failures = 0;

    private interface Body {
        void run(Connection connection) throws Exception;
    }

    private interface Action {
        void run() throws Exception;
    }

    private static Connection connect(String options) throws SQLException {
        String url = "jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/"
            + System.getenv("PGDATABASE") + "?user=" + System.getenv("PGUSER") + "&connectTimeout=30" + options;
        return DriverManager.getConnection(url);
    }

    private static void check(String name, Body body) {
        check(name, "", body);
    }

    /** Runs a check on a connection of its own, for at most a minute. */
    private static void check(String name, String options, Body body) {
        ExecutorService executor = Executors.newSingleThreadExecutor(Pgjdbc::daemon);
        Future<?> result = executor.submit(() -> {
            try (Connection connection = connect(options)) {
                body.run(connection);
            }
            return null;
        });
        try {
            result.get(60, TimeUnit.SECONDS);
            System.out.println("ok - jdbc: " + name);
        } catch (Exception error) {
            failures++;
            System.out.println("not ok - jdbc: " + name);
            Throwable cause = error.getCause() == null ? error : error.getCause();
            System.out.println("    " + (error instanceof TimeoutException ? "no end after 60 s" : cause));
            for (StackTraceElement frame : cause.getStackTrace()) {
                if (frame.getClassName().startsWith("Pgjdbc")) {
                    System.out.println("        at " + frame);
                }
            }
        } finally {
            executor.shutdownNow();
        }
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    private static void equal(Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            throw new AssertionError("expected " + expected + ", got " + actual);
        }
    }

    private static SQLException failure(String sqlState, Action action) throws Exception {
        try {
            action.run();
        } catch (SQLException error) {
            if (!sqlState.equals(error.getSQLState())) {
                throw new AssertionError("expected SQLSTATE " + sqlState + ", got " + error.getSQLState(), error);
            }
            return error;
        }
        throw new AssertionError("expected SQLSTATE " + sqlState + ", got no error");
    }

    private static Object one(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                equal(true, rows.next());
                Object value = rows.getObject(1);
                equal(false, rows.next());
                return value;
            }
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static void statements() {
        check("login", "&ApplicationName=the%20suite", c -> {
            equal("admin", one(c, "select current_user::text"));
            equal("the suite", one(c, "select current_setting('application_name')"));
            equal(true, c.isValid(10));
            equal(true, c.getMetaData().getDatabaseMajorVersion() >= 15);
        });
        check("tables", c -> execute(c, "create table " + TABLE
            + " (id bigint generated by default as identity (cache 1) primary key, n int unique, name text not null,"
            + " amount numeric(18, 6), at timestamptz, raw bytea)"));
        check("statements and their counts", c -> {
            try (Statement s = c.createStatement()) {
                equal(3, s.executeUpdate("insert into " + TABLE + " (n, name) values (1, 'a'), (2, 'b'), (3, 'c')"));
                equal(2, s.executeUpdate("update " + TABLE + " set name = upper(name) where n < 3"));
                equal(1, s.executeUpdate("delete from " + TABLE + " where n = 3"));
            }
            equal("B", one(c, "select name from " + TABLE + " where n = ?", 2));
        });
        check("several statements in one", c -> {
            try (Statement s = c.createStatement()) {
                equal(true, s.execute("select 1; select 'two'; update " + TABLE + " set n = n where n = 1"));
                s.getResultSet().next();
                equal(1, s.getResultSet().getInt(1));
                equal(true, s.getMoreResults());
                s.getResultSet().next();
                equal("two", s.getResultSet().getString(1));
                equal(false, s.getMoreResults());
                equal(1, s.getUpdateCount());
            }
        });
        check("types there and back", c -> {
            OffsetDateTime at = OffsetDateTime.of(2026, 11, 21, 12, 30, 15, 123456000, ZoneOffset.UTC);
            UUID uuid = UUID.randomUUID();
            // Often enough that the statement gets a name and the results come in binary.
            try (PreparedStatement s = c.prepareStatement(
                "select ?::int4, ?::int8, ?::float8, ?::numeric, ?::text, ?::bytea, ?::bool, ?::uuid, ?::timestamptz, ?::text")) {
                for (int i = 0; i < 10; i++) {
                    s.setInt(1, i);
                    s.setLong(2, 1L << 62);
                    s.setDouble(3, 1.5);
                    s.setBigDecimal(4, new BigDecimal("12345678901234567890.123456"));
                    s.setString(5, "naïve 東京 🦀");
                    s.setBytes(6, new byte[] {0, -1, 10});
                    s.setBoolean(7, true);
                    s.setObject(8, uuid);
                    s.setObject(9, at);
                    s.setString(10, null);
                    try (ResultSet r = s.executeQuery()) {
                        r.next();
                        equal(i, r.getInt(1));
                        equal(1L << 62, r.getLong(2));
                        equal(1.5, r.getDouble(3));
                        equal(new BigDecimal("12345678901234567890.123456"), r.getBigDecimal(4));
                        equal("naïve 東京 🦀", r.getString(5));
                        equal("[0, -1, 10]", Arrays.toString(r.getBytes(6)));
                        equal(true, r.getBoolean(7));
                        equal(uuid, r.getObject(8, UUID.class));
                        equal(at.toInstant(), r.getObject(9, OffsetDateTime.class).toInstant());
                        equal(null, r.getString(10));
                    }
                }
            }
        });
        check("a statement gets a name with its fifth use", c -> {
            try (PreparedStatement s = c.prepareStatement("select ?::int + 1")) {
                for (int i = 0; i < 20; i++) {
                    equal(i >= 4, s.unwrap(PGStatement.class).isUseServerPrepare());
                    s.setInt(1, i);
                    try (ResultSet r = s.executeQuery()) {
                        r.next();
                        equal(i + 1, r.getInt(1));
                    }
                }
            }
        });
        check("a statement with a name from the start", "&prepareThreshold=-1", c -> {
            for (int i = 0; i < 5; i++) {
                equal(i * 2, one(c, "select ?::int * 2", i));
            }
        });
        check("preferQueryMode=simple", "&preferQueryMode=simple", c -> {
            equal(7, one(c, "select ?::int", 7));
            c.setAutoCommit(false);
            equal("x", one(c, "select ?::text", "x"));
            c.commit();
        });
        check("preferQueryMode=extendedForPrepared", "&preferQueryMode=extendedForPrepared", c -> {
            try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("select 7")) {
                r.next();
                equal(7, r.getInt(1));
            }
            equal(8, one(c, "select ?::int", 8));
        });
    }

    private static void batches() throws Exception {
        for (String options : List.of("", "&reWriteBatchedInserts=true")) {
            check("a batch" + (options.isEmpty() ? "" : ", rewritten as inserts of many rows"), options, c -> {
                int first = options.isEmpty() ? 1000 : 3000;
                try (PreparedStatement s = c.prepareStatement("insert into " + TABLE + " (n, name) values (?, ?)")) {
                    for (int i = 0; i < 1000; i++) {
                        s.setInt(1, first + i);
                        s.setString(2, "batch " + i);
                        s.addBatch();
                    }
                    equal(1000, s.executeBatch().length);
                }
                equal(1000L, one(c, "select count(*) from " + TABLE + " where n between ? and ?", first, first + 999));
            });
        }
        check("a batch that fails", c -> {
            c.setAutoCommit(false);
            try (PreparedStatement s = c.prepareStatement("insert into " + TABLE + " (n, name) values (?, 'x')")) {
                for (int n : new int[] {5000, 5001, 1000, 5002}) {
                    s.setInt(1, n);
                    s.addBatch();
                }
                SQLException error = failure("23505", s::executeBatch);
                equal(true, error instanceof BatchUpdateException);
            }
            c.rollback();
            equal(0L, one(c, "select count(*) from " + TABLE + " where n >= 5000"));
            c.rollback();
        });
        check("generated keys", c -> {
            String insert = "insert into " + TABLE + " (n, name) values (?, ?)";
            try (PreparedStatement s = c.prepareStatement(insert, Statement.RETURN_GENERATED_KEYS)) {
                s.setInt(1, 6000);
                s.setString(2, "all columns");
                equal(1, s.executeUpdate());
                ResultSet keys = s.getGeneratedKeys();
                equal(true, keys.next());
                equal(keys.getLong("id"), one(c, "select id from " + TABLE + " where n = 6000"));
            }
            try (PreparedStatement s = c.prepareStatement(insert, new String[] {"id"})) {
                for (int n = 6001; n <= 6003; n++) {
                    s.setInt(1, n);
                    s.setString(2, "the key");
                    s.addBatch();
                }
                s.executeBatch();
                ResultSet keys = s.getGeneratedKeys();
                int count = 0;
                while (keys.next()) {
                    equal(true, keys.getLong(1) > 0);
                    count++;
                }
                equal(3, count);
            }
        });
    }

    private static void transactions() {
        check("transactions", c -> {
            c.setAutoCommit(false);
            execute(c, "insert into " + TABLE + " (n, name) values (7000, 'rolled back')");
            c.rollback();
            execute(c, "insert into " + TABLE + " (n, name) values (7001, 'committed')");
            c.commit();
            execute(c, "insert into " + TABLE + " (n, name) values (7002, 'failed')");
            failure("22012", () -> one(c, "select 1 / 0"));
            failure("25P02", () -> one(c, "select 1"));
            c.rollback();
            equal(7001, one(c, "select n from " + TABLE + " where n between 7000 and 7999"));
            c.commit();
            // Often enough that BEGIN and COMMIT get names too.
            for (int i = 0; i < 12; i++) {
                equal(i, one(c, "select ?::int", i));
                c.commit();
            }
        });
        check("a read-only transaction", c -> {
            c.setAutoCommit(false);
            c.setReadOnly(true);
            failure("25006", () -> execute(c, "insert into " + TABLE + " (n, name) values (7003, 'read only')"));
            c.rollback();
        });
        check("fetch size: portals live across Syncs", c -> {
            c.setAutoCommit(false);
            try (Statement one = c.createStatement(); Statement two = c.createStatement()) {
                one.setFetchSize(37);
                two.setFetchSize(10);
                long sum = 0;
                try (ResultSet a = one.executeQuery("select generate_series(1, 5000)");
                     ResultSet b = two.executeQuery("select generate_series(101, 200)")) {
                    int rows = 0;
                    while (a.next()) {
                        sum += a.getInt(1);
                        if (++rows <= 100) {
                            equal(true, b.next());
                            equal(100 + rows, b.getInt(1));
                        }
                    }
                    equal(false, b.next());
                }
                equal(5000L * 5001 / 2, sum);
                try (ResultSet early = one.executeQuery("select generate_series(1, 100000)")) {
                    equal(true, early.next());
                }
                equal(1, one(c, "select 1"));
            }
            c.commit();
        });
    }

    private static void copies() {
        check("COPY in and out", c -> {
            CopyManager copy = c.unwrap(PGConnection.class).getCopyAPI();
            StringBuilder text = new StringBuilder();
            for (int n = 10000; n < 12000; n++) {
                text.append(n).append("\tcopied ").append(n).append('\n');
            }
            byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
            equal(2000L, copy.copyIn("copy " + TABLE + " (n, name) from stdin", new ByteArrayInputStream(bytes)));
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            equal(2000L, copy.copyOut("copy (select n, name from " + TABLE + " where n >= 10000 order by n) to stdout", out));
            equal(text.toString(), out.toString(StandardCharsets.UTF_8));
            failure("22P02", () -> copy.copyIn("copy " + TABLE + " (n, name) from stdin",
                new ByteArrayInputStream("x\ty\n".getBytes(StandardCharsets.UTF_8))));
            equal(1, one(c, "select 1"));
        });
    }

    private static void errors() {
        check("errors carry SQLSTATE, position and names", c -> {
            failure("42601", () -> execute(c, "selec 1"));
            failure("42P01", () -> execute(c, "select * from no_such_table"));
            failure("22012", () -> one(c, "select 1 / ?", 0));
            SQLException missing = failure("42703", () -> execute(c, "select no_such_column"));
            equal(8, ((PSQLException) missing).getServerErrorMessage().getPosition());
            ServerErrorMessage twice = ((PSQLException) failure("23505",
                () -> execute(c, "insert into " + TABLE + " (n, name) values (1, 'twice')"))).getServerErrorMessage();
            equal(TABLE + "_n_key", twice.getConstraint());
            equal(TABLE, twice.getTable());
            equal("Key (n)=(1) already exists.", twice.getDetail());
            equal(1, one(c, "select 1"));
        });
        check("warnings", c -> {
            try (Statement s = c.createStatement()) {
                s.execute("drop table if exists no_such_table");
                equal("table \"no_such_table\" does not exist, skipping", s.getWarnings().getMessage());
            }
        });
        check("TLS that the client insists on is refused", c -> {
            SQLException error = failure("08004", () -> connect("&sslmode=require").close());
            equal(true, error.getMessage().contains("does not support SSL"));
        });
    }

    private static void cancels() {
        check("cancel", c -> {
            for (int round = 0; round < 2; round++) {
                try (Statement s = c.createStatement()) {
                    // A cancel that comes too early has no effect: cancel until the statement ends.
                    Thread canceller = daemon(() -> {
                        try {
                            while (true) {
                                Thread.sleep(300);
                                s.cancel();
                            }
                        } catch (InterruptedException | SQLException end) {
                            // the statement has ended
                        }
                    });
                    canceller.start();
                    long begin = System.nanoTime();
                    failure("57014", () -> s.execute("select pg_sleep(30)"));
                    canceller.interrupt();
                    canceller.join();
                    equal(true, System.nanoTime() - begin < TimeUnit.SECONDS.toNanos(20));
                }
                equal(1, one(c, "select 1"));
            }
        });
        check("a query timeout cancels", c -> {
            try (Statement s = c.createStatement()) {
                s.setQueryTimeout(1);
                failure("57014", () -> s.execute("select pg_sleep(30)"));
            }
            equal(1, one(c, "select 1"));
        });
    }

    private static void metadata() {
        check("metadata", c -> {
            DatabaseMetaData metadata = c.getMetaData();
            try (ResultSet tables = metadata.getTables(null, "public", TABLE, new String[] {"TABLE"})) {
                equal(true, tables.next());
                equal(TABLE, tables.getString("TABLE_NAME"));
            }
            List<String> columns = new ArrayList<>();
            try (ResultSet rows = metadata.getColumns(null, "public", TABLE, "%")) {
                while (rows.next()) {
                    columns.add(rows.getString("COLUMN_NAME") + " " + rows.getString("TYPE_NAME"));
                }
            }
            equal("id int8", columns.get(0).replace("bigserial", "int8"));
            equal(List.of("n int4", "name text", "amount numeric", "at timestamptz", "raw bytea"), columns.subList(1, 6));
            try (ResultSet keys = metadata.getPrimaryKeys(null, "public", TABLE)) {
                equal(true, keys.next());
                equal("id", keys.getString("COLUMN_NAME"));
            }
        });
    }

    public static void main(String[] arguments) throws Exception {
        statements();
        batches();
        transactions();
        copies();
        errors();
        cancels();
        metadata();
        check("big values both ways", c -> {
            byte[] raw = new byte[4_000_000];
            new java.util.Random(7).nextBytes(raw);
            equal(true, Arrays.equals(raw, (byte[]) one(c, "select ?::bytea", (Object) raw)));
        });
        check("the table goes", c -> execute(c, "drop table if exists " + TABLE));
        System.exit(failures == 0 ? 0 : 1);
    }
}

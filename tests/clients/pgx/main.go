// pgx 4 and pgxpool. The server's address comes from DATABASE_URL.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

const table = "pgx_account"

var failures = 0

// check runs a check on a connection of its own, for at most a minute.
func check(name string, body func(context.Context, *pgx.Conn) error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := func() error {
		conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
		if err != nil {
			return err
		}
		defer conn.Close(context.Background())
		return body(ctx, conn)
	}()
	if err == nil {
		fmt.Println("ok - pgx:", name)
		return
	}
	failures++
	fmt.Printf("not ok - pgx: %s\n    %s\n", name, strings.ReplaceAll(err.Error(), "\n", "\n    "))
}

func equal(expected, actual interface{}) error {
	if fmt.Sprint(expected) == fmt.Sprint(actual) {
		return nil
	}
	return fmt.Errorf("expected %v, got %v", expected, actual)
}

func count(ctx context.Context, conn *pgx.Conn) (n int, err error) {
	err = conn.QueryRow(ctx, "select count(*) from "+table).Scan(&n)
	return n, err
}

func main() {
	check("a table, and an index", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "drop table if exists "+table)
		if err == nil {
			_, err = conn.Exec(ctx, "create table "+table+" (id bigserial primary key, name text unique, balance integer)")
		}
		if err == nil {
			_, err = conn.Exec(ctx, "create index on "+table+" (balance)")
		}
		return err
	})
	check("insert with RETURNING, COPY, ping", func(ctx context.Context, conn *pgx.Conn) error {
		var id int64
		err := conn.QueryRow(ctx, "insert into "+table+" (name, balance) values ($1, $2) returning id", "ada", 1).Scan(&id)
		if err != nil {
			return err
		}
		rows := make([][]interface{}, 500)
		for i := range rows {
			rows[i] = []interface{}{fmt.Sprintf("copied %d", i), i}
		}
		copied, err := conn.CopyFrom(ctx, pgx.Identifier{table}, []string{"name", "balance"}, pgx.CopyFromRows(rows))
		if err != nil {
			return err
		}
		if err := equal(500, copied); err != nil {
			return err
		}
		return conn.Ping(ctx)
	})
	check("a batch", func(ctx context.Context, conn *pgx.Conn) error {
		batch := &pgx.Batch{}
		for i := 0; i < 10; i++ {
			batch.Queue("select balance from "+table+" where name = $1", fmt.Sprintf("copied %d", i))
		}
		results := conn.SendBatch(ctx, batch)
		defer results.Close()
		for i := 0; i < 10; i++ {
			var balance int
			if err := results.QueryRow().Scan(&balance); err != nil {
				return err
			}
			if err := equal(i, balance); err != nil {
				return err
			}
		}
		return nil
	})
	check("a named statement, prepared and deallocated", func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Prepare(ctx, "by_name", "select balance from "+table+" where name = $1"); err != nil {
			return err
		}
		var balance int
		if err := conn.QueryRow(ctx, "by_name", "ada").Scan(&balance); err != nil {
			return err
		}
		if err := conn.Deallocate(ctx, "by_name"); err != nil {
			return err
		}
		return equal(1, balance)
	})
	check("a transaction, committed and rolled back", func(ctx context.Context, conn *pgx.Conn) error {
		err := conn.BeginTxFunc(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "update "+table+" set balance = 7 where name = 'ada'")
			return err
		})
		if err != nil {
			return err
		}
		changed := errors.New("the application changed its mind")
		err = conn.BeginFunc(ctx, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "delete from "+table); err != nil {
				return err
			}
			return changed
		})
		if err != changed {
			return fmt.Errorf("the rollback: %v", err)
		}
		n, err := count(ctx, conn)
		if err != nil {
			return err
		}
		return equal(501, n)
	})
	check("an error, and the connection goes on", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "insert into "+table+" (name) values ($1)", "ada")
		var failed *pgconn.PgError
		if !errors.As(err, &failed) || failed.Code != "23505" {
			return fmt.Errorf("expected 23505, got %v", err)
		}
		n, err := count(ctx, conn)
		if err != nil {
			return err
		}
		return equal(501, n)
	})
	check("an advisory lock", func(ctx context.Context, conn *pgx.Conn) error {
		other, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
		if err != nil {
			return err
		}
		defer other.Close(context.Background())
		var locked bool
		if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", int64(4242)); err != nil {
			return err
		}
		if err := other.QueryRow(ctx, "select pg_try_advisory_lock($1)", int64(4242)).Scan(&locked); err != nil {
			return err
		}
		if err := equal(false, locked); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "select pg_advisory_unlock($1)", int64(4242)); err != nil {
			return err
		}
		if err := other.QueryRow(ctx, "select pg_try_advisory_lock($1)", int64(4242)).Scan(&locked); err != nil {
			return err
		}
		return equal(true, locked)
	})
	check("a cancelled query", func(ctx context.Context, conn *pgx.Conn) error {
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		_, err := conn.Exec(short, "select pg_sleep(30)")
		if err == nil || short.Err() == nil {
			return fmt.Errorf("it ended: %v", err)
		}
		return nil
	})
	check("a pool", func(ctx context.Context, _ *pgx.Conn) error {
		pool, err := pgxpool.Connect(ctx, os.Getenv("DATABASE_URL")+"?pool_max_conns=4")
		if err != nil {
			return err
		}
		defer pool.Close()
		var group sync.WaitGroup
		results := make(chan error, 50)
		for i := 0; i < 50; i++ {
			group.Add(1)
			go func(i int) {
				defer group.Done()
				var balance int
				err := pool.QueryRow(ctx, "select balance from "+table+" where name = $1", fmt.Sprintf("copied %d", i)).Scan(&balance)
				if err == nil {
					err = equal(i, balance)
				}
				results <- err
			}(i)
		}
		group.Wait()
		close(results)
		for err := range results {
			if err != nil {
				return err
			}
		}
		return nil
	})
	check("it cleans up", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "drop table "+table)
		return err
	})
	if failures > 0 {
		os.Exit(1)
	}
}

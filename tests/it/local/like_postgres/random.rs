//! Scripts that nobody thought of, the same in each run.

/// What statements are made of; `#` is a number.
const STATEMENTS: &[&str] = &[
    "",
    "SELECT 1",
    "SELECT id FROM t ORDER BY id",
    "SELECT 'ü' FROM generate_series(1, 3)",
    "SELECT * FROM t WHERE id = 1 FOR UPDATE",
    "SELECT count(*) FROM t",
    "INSERT INTO t VALUES (#, 'x')",
    "INSERT INTO child VALUES (#, 99)",
    "UPDATE t SET v = 'y' WHERE id = 1",
    "DELETE FROM t WHERE id = 2 RETURNING *",
    "COPY t TO STDOUT",
    "SHOW transaction_read_only",
    "SET LOCAL application_name = 'y'",
    "EXPLAIN (COSTS OFF) SELECT 1",
    "SELECT 1/0",
    "SELECT 'ä' || nothing",
    "SELEC",
    "BEGIN",
    "BEGIN READ ONLY",
    "START TRANSACTION",
    "BEGIN ISOLATION LEVEL REPEATABLE READ",
    "COMMIT",
    "END",
    "ROLLBACK",
    "ABORT",
];

/// Numbers that look random (Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }

    fn statement(&mut self) -> String {
        let number = (3 + self.below(6)).to_string();
        self.one_of(STATEMENTS).replace('#', &number)
    }

    /// One message, or a whole statement, as in `groups.txt`.
    fn part(&mut self) -> String {
        let name = self.one_of(&["-", "a", "b"]);
        let portal = self.one_of(&["-", "p"]);
        match self.below(20) {
            0..=10 => format!("run {}", self.statement()),
            11 | 12 => format!("parse {name} {}", self.statement()),
            13 | 14 => format!("bind {portal} {name}"),
            15 | 16 => format!("execute {portal} {}", self.below(3)),
            17 => format!("describe S {name}"),
            18 => format!("close P {portal}"),
            _ => "flush".to_owned(),
        }
    }

    fn line(&mut self) -> String {
        let length = 1 + self.below(5);
        if self.below(2) == 0 {
            let statements: Vec<_> = (0..length).map(|_| self.statement()).collect();
            format!("query {}", statements.join("; "))
        } else {
            let parts: Vec<_> = (0..length).map(|_| self.part()).collect();
            format!("{} | sync", parts.join(" | "))
        }
    }
}

/// So many scripts, in the language of `groups.txt`.
pub(super) fn scripts(count: usize) -> String {
    let mut numbers = Numbers(1);
    let script = |_| {
        let length = 1 + numbers.below(6);
        let mut lines: Vec<_> = (0..length).map(|_| numbers.line()).collect();
        // The next one begins without a transaction and without prepared statements.
        let end = ["query ROLLBACK", "close S a | close S b | sync"];
        lines.extend(end.map(str::to_owned));
        lines.push("query SELECT count(*) FROM t".to_owned());
        lines.join("\n")
    };
    (0..count).map(script).collect::<Vec<_>>().join("\n\n")
}

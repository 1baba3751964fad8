use super::*;

fn rewritten(sql: &str) -> String {
    match plan(sql.as_bytes()) {
        DdlPlan::Rewrite { sql, .. } => sql,
        DdlPlan::Index(index) => index.sql,
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn probe() {
    let text = std::fs::read_to_string("/tmp/corpus/all.txt").unwrap();
    for part in text.split("\n--\n") {
        for s in sql::statements(part.as_bytes()).filter(|s| !s.is_empty()) {
            let b = std::str::from_utf8(s.bytes(part.as_bytes())).unwrap();
            match plan(b.as_bytes()) {
                DdlPlan::Pass => println!(
                    "PASS {}",
                    b.chars().take(100).collect::<String>().replace('\n', " ")
                ),
                DdlPlan::Rewrite { sql, notices } => println!("REWRITE {sql}\n    {notices:?}"),
                DdlPlan::Index(i) => println!("INDEX {i:?}"),
                DdlPlan::Alter(a) => println!("ALTER {a:#?}"),
            }
        }
    }
    rewritten("create index on t(a)");
}

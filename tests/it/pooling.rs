//! Sessions that share servers: no client can tell, whatever the others do.

mod cancels;
pub(crate) mod cluster;
mod conflicts;
mod crowd;
mod cuts;
mod differential;
mod execute;
mod leaks;
mod lifetime;
mod limits;
mod notices;
pub(crate) mod peer;
mod processes;
pub(crate) mod script;
mod speaker;
mod statements;

use crate::support::ProxyAlone;
use crate::support::postgres::Postgres;

/// When a client gives its server back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// After each transaction.
    Transaction,
    /// When it leaves.
    Session,
}

impl Mode {
    /// All of them: what is promised holds in each.
    pub(crate) const ALL: &[Self] = &[Self::Transaction, Self::Session];

    /// Whether clients share servers.
    pub(crate) fn shares(self) -> bool {
        self == Self::Transaction
    }

    /// The arguments for the proxy, with at most so many servers in transaction mode.
    pub(crate) fn arguments(self, servers: usize) -> Vec<String> {
        match self {
            Self::Transaction => vec![
                "--pool-mode=transaction".into(),
                format!("--pool-size={servers}"),
            ],
            Self::Session => vec!["--pool-mode=session".into(), "--pool-size=1000".into()],
        }
    }

    /// A proxy in this mode that keeps nothing from PostgreSQL.
    pub(crate) fn proxy(self, postgres: &Postgres, servers: usize, more: &[&str]) -> ProxyAlone {
        self.proxy_to(postgres.address(), postgres, servers, more)
    }

    /// The same, which reaches it at another address.
    pub(crate) fn proxy_to(
        self,
        address: &str,
        postgres: &Postgres,
        servers: usize,
        more: &[&str],
    ) -> ProxyAlone {
        let arguments = self.arguments(servers);
        let mut all = vec![
            "--unsupported-parameters=forward",
            "--ddl=pass",
            "--advisory-locks=forward",
        ];
        all.extend(arguments.iter().map(String::as_str));
        all.extend(more);
        postgres.proxy_to(address, &all)
    }
}

/// Numbers that look random (Steele, Lea and Flood's SplitMix64).
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// The seeds of a test: `DSQL_PROXY_TEST_SEEDS=0..1000`, or these.
fn seeds(default: std::ops::Range<u64>) -> std::ops::Range<u64> {
    let Ok(seeds) = std::env::var("DSQL_PROXY_TEST_SEEDS") else {
        return default;
    };
    let (first, last) = seeds.split_once("..").unwrap();
    first.parse().unwrap()..last.parse().unwrap()
}

//! `dsql-proxy local --self-test`: the conformance suite.

use std::time::Duration;

use super::assemble::{self, Origin};
use crate::config::{ClusterSettings, LocalSettings, SelfTest};
use crate::conformance::{self, Failure, Report, RunOptions, Target};
use crate::local::Cluster;
use crate::net::random;
use crate::platform::signals::Signals;

/// The longest wait for an answer of a local cluster.
const LOCAL_PATIENCE: Duration = Duration::from_secs(30);
/// The same of a real one, where building an index takes 5 to 24 seconds (seen 2026-10-03).
const REMOTE_PATIENCE: Duration = Duration::from_mins(3);
/// How often a probe is begun anew on a cluster that others change, too.
const REMOTE_RETRIES: usize = 5;

/// A local cluster as a target.
pub(super) async fn local(
    settings: &LocalSettings,
    cluster: &Cluster,
    origin: Origin,
) -> Result<Target, String> {
    let address = cluster.address().to_string();
    let proxy = settings.proxy_for(cluster.endpoint(), &address, cluster.region());
    let Some(settings) = proxy.clusters.first() else {
        return Err("the settings of the local cluster are missing; please report this".to_owned());
    };
    target(settings, origin).await
}

async fn target(settings: &ClusterSettings, origin: Origin) -> Result<Target, String> {
    Ok(Target::Cluster {
        connector: assemble::connects_to(settings, origin).await?,
        user: settings.user.clone(),
    })
}

/// Runs the suite against a cluster that is not ours.
pub(super) async fn remote(
    settings: &ClusterSettings,
    test: &SelfTest,
    signals: &mut Signals,
) -> Result<u8, String> {
    let target = target(settings, Origin::Environment).await?;
    Ok(Box::pin(run(&target, test, signals)).await)
}

/// Runs the suite, prints what differs, and says with which exit code to end.
pub(super) async fn run(target: &Target, test: &SelfTest, signals: &mut Signals) -> u8 {
    let options = options(test);
    if let Some(cluster) = &test.against {
        super::print(&warning(cluster, &options.name));
    }
    let suite = match conformance::suite() {
        Ok(suite) => suite,
        Err(error) => return failed(&error.to_string()),
    };
    let mut show = |failure: &Failure| super::print(&format!("{failure}\n"));
    let running = Box::pin(conformance::run(target, &suite, &options, &mut show));
    tokio::select! {
        report = running => match report {
            Ok(report) => finish(&report),
            Err(error) => failed(&error.to_string()),
        },
        stop = signals.next() => {
            interrupted(target, &options, signals).await;
            stop.exit_code()
        }
    }
}

fn options(test: &SelfTest) -> RunOptions {
    let is_local = test.against.is_none();
    RunOptions {
        name: format!("dsql_self_test_{:06x}", number()),
        patience: if is_local {
            LOCAL_PATIENCE
        } else {
            REMOTE_PATIENCE
        },
        retries: if is_local { 0 } else { REMOTE_RETRIES },
        is_local,
        is_proxied: false,
        filter: test.filter.clone(),
    }
}

/// A number of 24 bits, so that two runs do not meet.
fn number() -> u32 {
    let mut bytes = [0; 4];
    // Without randomness all runs have one name, and can only not be run at once.
    random::fill(&mut bytes).ok();
    u32::from_ne_bytes(bytes) >> 8
}

fn warning(cluster: &ClusterSettings, name: &str) -> String {
    format!(
        "Testing {endpoint} as {user}.\n\
         Everything that is made is in the schema {name}, or has a name that begins with {name}_ \
         (schemas, roles and their mappings to IAM), and is dropped at the end. Nothing else is \
         changed. Each change of the catalog can make sessions of others fail with OC001, so do \
         not run this on a cluster in production. It takes a while, and the cluster's work is \
         billed as usual.\n\n",
        endpoint = cluster.endpoint,
        user = cluster.user,
    )
}

fn finish(report: &Report) -> u8 {
    let end = if report.is_clean() {
        "Every answer is the expected one."
    } else {
        "A fact that was recorded or documented and is answered otherwise: DSQL has changed, or \
         the local cluster is wrong. An inferred one was a guess."
    };
    super::print(&format!("\n{}\n{end}\n", report.summary()));
    u8::from(!report.is_clean())
}

/// Drops what there is of the run, unless another signal comes.
async fn interrupted(target: &Target, options: &RunOptions, signals: &mut Signals) {
    let name = &options.name;
    super::complain(&format!("interrupted; dropping the schema {name}"));
    tokio::select! {
        cleaned = conformance::clean_up(target, options) => {
            if let Err(error) = cleaned {
                let left = format!("DROP SCHEMA {name} CASCADE");
                super::complain(&format!("something is left behind: {error}; drop it with: {left}"));
            }
        }
        _ = signals.next() => super::complain(&format!("the schema {name} is left behind")),
    }
}

fn failed(message: &str) -> u8 {
    super::complain(message);
    1
}

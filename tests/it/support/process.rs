//! A process, what it prints, and its end.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::PATIENCE;

/// A process that is ended when this goes.
pub(crate) struct Process {
    child: Child,
    ended: bool,
    /// What ends it when this goes.
    pub(crate) end: Signal,
    /// Its standard output.
    pub(crate) output: Printed,
    /// Its standard error.
    pub(crate) log: Printed,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let output = Printed::of(child.stdout.take().unwrap());
        let log = Printed::of(child.stderr.take().unwrap());
        Self {
            child,
            ended: false,
            end: Signal::TERM,
            output,
            log,
        }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most resident memory that it ever had, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).ok();
    }

    /// Waits for its end: exit code and log.
    pub(crate) fn wait(&mut self) -> (Option<i32>, String) {
        let status = self.end_within(PATIENCE);
        let log = self.log.whole();
        let Some(status) = status else {
            panic!("it did not end:\n{log}");
        };
        (status.code(), log)
    }

    /// Waits for its end, at most about this long; then it is killed.
    fn end_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let pause = Duration::from_millis(5);
        self.ended = true;
        for _ in 0..limit.as_millis() / pause.as_millis() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(pause);
        }
        self.child.kill().ok();
        self.child.wait().ok();
        None
    }

    /// Ends it with SIGTERM. Its exit code and its log.
    pub(crate) fn stop(&mut self) -> (Option<i32>, String) {
        self.signal(Signal::TERM);
        self.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.signal(self.end);
        self.end_within(Duration::from_secs(30));
        if std::thread::panicking() {
            let log = self.log.so_far();
            std::io::stdout().write_all(log.as_bytes()).ok();
        }
    }
}

/// What is printed, as it comes.
pub(crate) struct Printed {
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// The bytes, and whether there will be more.
    state: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

impl Printed {
    fn of(mut stream: impl Read + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let writer = Arc::clone(&shared);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            loop {
                let n = stream.read(&mut chunk).unwrap_or(0);
                let mut state = writer.state.lock().unwrap();
                state.0.extend_from_slice(&chunk[..n]);
                state.1 = n == 0;
                writer.changed.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        Self {
            shared,
            reader: Some(reader),
        }
    }

    /// Waits until `look` finds something; `None` if the end comes first, or nothing comes.
    pub(crate) fn find<T>(&self, mut look: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let mut state = self.shared.state.lock().unwrap();
        loop {
            let found = look(&String::from_utf8_lossy(&state.0));
            if found.is_some() || state.1 {
                return found;
            }
            let (next, waited) = self.shared.changed.wait_timeout(state, PATIENCE).unwrap();
            if waited.timed_out() {
                return None;
            }
            state = next;
        }
    }

    /// What has been printed by now.
    pub(crate) fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.shared.state.lock().unwrap().0).into_owned()
    }

    /// All that is printed, up to the end.
    pub(crate) fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.so_far()
    }
}

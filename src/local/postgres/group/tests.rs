use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;

use super::*;

#[tokio::test]
async fn all_processes_are_gone_when_it_is_dropped() {
    // Both ends of what the grandchild holds open: ours reads the end when it is gone.
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut command = Command::new("sh");
    command
        // A shell gives its background job no standard input.
        .args(["-c", "exec 3>&0; sh -c 'echo up >&3; exec sleep 60' & wait"])
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .process_group(0)
        .kill_on_drop(true);
    ours.set_nonblocking(true).unwrap();
    let mut ours = UnixStream::from_std(ours).unwrap();
    let mut up = [0; 3];
    tokio::select! {
        output = output(command) => panic!("{output:?}"),
        read = ours.read_exact(&mut up) => assert_eq!(read.unwrap(), 3),
    }
    // Without waiting: the drop has.
    assert_eq!(ours.try_read(&mut up).unwrap(), 0);
}

//! `check --watch` checks again when a file changes.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use crate::project::{CLOCK, Project, command};

#[test]
fn a_change_is_checked() {
    let project = Project::new(&[("wf.py", CLOCK)]);
    let mut child = command(
        project.path(),
        &["check", "--watch", "--output-format=concise"],
    )
    .stdin(Stdio::null())
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .expect("runbook-lint starts");
    let stdout = child.stdout.take().expect("piped");
    let stderr = child.stderr.take().expect("piped");
    let (sender, receiver) = mpsc::channel();
    let told = sender.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = told.send(line);
        }
    });
    let wait_for = |text: &str| {
        let patience = Duration::from_secs(30);
        let is_it = |line: String| line.contains(text).then_some(());
        while is_it(receiver.recv_timeout(patience).expect(text)).is_none() {}
    };
    wait_for("watching for changes");
    project.write("wf.py", CLOCK.replace("time.time()", "1").as_bytes());
    wait_for("no findings");
    child.kill().expect("it still runs");
    child.wait().expect("it ends");
}

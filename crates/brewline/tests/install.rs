//! What an installation needs of the program besides its work: completions, and an answer for whoever runs containers.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::net::TcpListener;

use rustix::process::Signal;
use support::{Up, local, run};

#[test]
fn every_shell_gets_a_script_that_knows_every_command_and_flag() {
    let commands = brewline::command();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = run(&["completions", shell]);
        assert_eq!(said.code, Some(0), "{said:?}");
        for command in commands.get_subcommands() {
            assert!(said.stdout.contains(command.get_name()), "{shell}: {}", command.get_name());
            for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(said.stdout.contains(flag), "{shell}: {} --{flag}", command.get_name());
            }
        }
    }
    let said = run(&["completions", "dos"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("bash"), "{said:?}");
}

#[test]
fn a_shell_gets_its_script_whatever_is_wrong_with_the_settings() {
    let dir = tempfile::tempdir().unwrap();
    let settings = dir.path().join("brewline.toml");
    std::fs::write(&settings, "nonsense = 1").unwrap();
    let said = run(&["completions", "bash", "--config", settings.to_str().unwrap()]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
}

#[test]
fn the_health_check_says_whether_a_counter_answers() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    let said = run(&["healthcheck", "--listen", &up.counter.to_string()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains(&format!("process {}", up.process.child.id())), "{said:?}");

    // What it need not know may be wrong.
    let settings = dir.path().join("brewline.toml");
    std::fs::write(&settings, "nonsense = 1").unwrap();
    let config = ["--config", settings.to_str().unwrap()];
    let said = run(&[&["healthcheck", "--listen", &up.counter.to_string()][..], &config].concat());
    assert_eq!(said.code, Some(0), "{said:?}");

    // The line was told where to listen, and whoever asks was not: the log knows.
    let said = run(&["healthcheck", "--log", &local(dir.path())]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains(&format!("process {}", up.process.child.id())), "{said:?}");

    // Taken, and silent.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let said = run(&["healthcheck", "--listen", &silent.local_addr().unwrap().to_string()]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{said:?}");
    assert!(said.stderr.contains("no counter answers") && said.stderr.contains("--listen"), "{said:?}");
    assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
}

#[test]
fn a_line_that_hangs_is_not_well_because_another_one_answers() {
    let (hanging, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let up = Up::start(hanging.path(), &[]);
    let well = Up::start(other.path(), &[]);
    up.process.signal(Signal::STOP);
    // Where a line would listen that is started now, there is the other one.
    let settings = other.path().join("brewline.toml");
    std::fs::write(&settings, format!("listen = \"{}\"", well.counter)).unwrap();
    let asked = ["healthcheck", "--config", settings.to_str().unwrap(), "--log"];
    let said = run(&[&asked[..], &[&local(hanging.path())]].concat());
    assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{said:?}");
    let process = format!("process {} has the log", up.process.child.id());
    assert!(said.stderr.contains(&process) && said.stderr.contains(&up.counter.to_string()), "{said:?}");
    assert_eq!(said.stderr.lines().count(), 1, "{said:?}");

    // Nobody has this log.
    let said = run(&[&asked[..], &[&local(&other.path().join("none"))]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains(&format!("process {}", well.process.child.id())), "{said:?}");
}

//! What an installation needs of the program besides its work: completions, and an answer for whoever runs containers.
#![allow(clippy::unwrap_used, reason = "in a test, what fails is to be seen")]

mod support;

use std::net::TcpListener;

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

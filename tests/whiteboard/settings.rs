//! Settings: `--help`, `.env.example` and the README list the same ones, a flag and its variable
//! are equivalent, and a wrong value is explained.

use std::fmt::Write;
use std::process::Output;

use clap::CommandFactory;
use whiteboard::config::{Settings, SettingsError};

use crate::processes::program;

/// Settings that take any text.
const FREE: [&str; 2] = ["database-user", "database-password"];

struct Setting {
    flag: String,
    variable: String,
    default: String,
    help: String,
    heading: String,
}

fn settings() -> Vec<Setting> {
    let command = Settings::command();
    let settings = command.get_arguments().filter_map(|arg| {
        Some(Setting {
            flag: arg.get_long()?.to_owned(),
            variable: arg.get_env()?.to_str()?.to_owned(),
            default: arg.get_default_values().first()?.to_str()?.to_owned(),
            help: arg.get_help()?.to_string(),
            heading: arg.get_help_heading()?.to_owned(),
        })
    });
    settings.collect()
}

fn file(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Runs the program in an empty folder, with only these variables in its environment.
fn run(flags: &[&str], variables: &[(&str, &str)], env_file: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), env_file).unwrap();
    program(env!("CARGO_BIN_EXE_whiteboard"))
        .args(flags)
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(folder.path())
        .output()
        .unwrap()
}

fn wrong(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn every_setting_is_a_flag_and_a_variable_of_one_name() {
    let command = Settings::command();
    command.clone().debug_assert();
    let commands = ["help", "version", "new-epoch"];
    let others = command.get_arguments().filter_map(|arg| arg.get_long());
    let others = others.filter(|flag| !commands.contains(flag)).count();
    assert_eq!(
        settings().len(),
        others,
        "a setting lacks a variable, a default or a heading"
    );
    for Setting { flag, variable, .. } in settings() {
        let expected = match flag.as_str() {
            "log" => "RUST_LOG".to_owned(),
            flag => format!("WHITEBOARD_{}", flag.replace('-', "_").to_uppercase()),
        };
        assert_eq!(variable, expected);
    }
}

#[test]
fn the_example_lists_exactly_the_settings() {
    let mut expected = String::from(
        "# The settings of the whiteboard server, with their defaults. Copy this file to .env and take away\n\
         # the # before what you change. Flags and variables of the environment win over the file.\n",
    );
    let mut last = String::new();
    for Setting {
        variable,
        default,
        help,
        heading,
        ..
    } in settings()
    {
        if heading != last {
            write!(expected, "\n# {heading}\n").unwrap();
            last = heading;
        }
        write!(expected, "\n# {help}\n#{variable}={default}\n").unwrap();
    }
    let found = file(".env.example");
    assert!(
        found == expected,
        "this is what .env.example should be:\n{expected}"
    );
}

#[test]
fn the_readme_lists_exactly_the_settings() {
    let readme = file("README.md");
    let found: Vec<_> = readme
        .lines()
        .filter(|line| line.starts_with("| `--"))
        .collect();
    let rows = settings().into_iter().map(|setting| {
        let Setting {
            flag,
            variable,
            default,
            help,
            ..
        } = setting;
        let default = if default.is_empty() {
            "–".into()
        } else {
            format!("`{default}`")
        };
        format!("| `--{flag}`, `{variable}` | {default} | {help} |")
    });
    let rows: Vec<_> = rows.collect();
    assert!(
        found == rows,
        "this is what the table should be:\n{}",
        rows.join("\n")
    );
}

#[test]
fn the_help_shows_every_setting_with_its_default() {
    let output = run(
        &["--help"],
        &[("WHITEBOARD_DATABASE_PASSWORD", "hunter2")],
        "",
    );
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("hunter2"));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for Setting {
        flag,
        variable,
        default,
        help,
        ..
    } in settings()
    {
        assert!(text.contains(&format!("--{flag} <")), "{flag}");
        assert!(text.contains(&variable), "{variable}");
        assert!(text.contains(&help), "{help}");
        assert!(
            default.is_empty() || text.contains(&format!("[default: {default}]")),
            "{flag}"
        );
    }
}

#[test]
fn a_wrong_value_is_explained_wherever_it_comes_from() {
    let bad = "not=allowed";
    for Setting { flag, variable, .. } in settings() {
        if FREE.contains(&&*flag) {
            continue;
        }
        let by_flag = wrong(&run(&[&format!("--{flag}"), bad], &[], ""));
        let by_variable = wrong(&run(&[], &[(&variable, bad)], ""));
        let by_file = wrong(&run(&[], &[], &format!("{variable}='{bad}'")));
        let start = format!("whiteboard: {variable} (--{flag}) is {bad:?}: allowed is ");
        assert!(by_flag.starts_with(&start), "{by_flag}");
        assert!(by_flag.len() > start.len() + 10, "{by_flag}");
        assert_eq!(by_flag, by_variable);
        assert_eq!(by_flag, by_file);
    }
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let file = "WHITEBOARD_LISTEN=file";
    let variable = [("WHITEBOARD_LISTEN", "variable")];
    for (flags, variables, winner) in [
        (&["--listen", "flag"][..], &variable[..], "\"flag\""),
        (&[], &variable[..], "\"variable\""),
        (&[], &[], "\"file\""),
    ] {
        let text = wrong(&run(flags, variables, file));
        assert!(text.contains(winner), "{text}");
    }
}

#[test]
fn values_out_of_bounds_are_refused() {
    for (flag, value, allowed) in [
        ("listen", "8080", "an IP address and a port"),
        ("listen", "localhost:8080", "an IP address and a port"),
        ("listen", "127.0.0.1:65536", "an IP address and a port"),
        ("workers", "-1", "from 0 to 256"),
        ("workers", "257", "from 0 to 256"),
        ("drain-timeout", "0s", "from 1s to 10m"),
        ("hosts", "https://draw.example", "host names"),
        ("origins", "draw.example", "origins such as"),
        ("database", "http://127.0.0.1:8000", "ws://"),
        ("database", "surrealkv://", "a folder"),
        (
            "database",
            "ws://root:root@127.0.0.1:8000",
            "without a user",
        ),
        (
            "database-namespace",
            "a b; REMOVE NAMESPACE a",
            "letters, digits",
        ),
        ("database-name", "", "letters, digits"),
        ("gap-timeout", "5", "ms, s, m, h or d"),
        ("max-strokes", "0", "from 1 to"),
        ("max-strokes", "NaN", "from 1 to"),
        ("max-drawing-size", "64MB", "KiB, MiB or GiB"),
        ("queue-ops", "499", "from 500 to"),
        ("ops-per-second", "0", "from 1 to"),
        ("session-timeout", "10s", "more than WHITEBOARD_HEARTBEAT"),
        ("database-user", "root", "both or neither"),
    ] {
        match Settings::from_flags([format!("--{flag}={value}").as_str()]) {
            Err(SettingsError::Wrong(text)) => {
                assert!(text.contains(&format!("(--{flag}) is")), "{text}");
                assert!(text.contains(allowed), "{text}");
            }
            other => panic!("{flag} {value}: {other:?}"),
        }
    }
}

#[test]
fn a_password_shows_up_nowhere() {
    let flags = ["--database-user=root", "--database-password=hunter2"];
    let settings = Settings::from_flags(flags).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert!(!format!("{:?}", settings.database.database()).contains("hunter2"));
    let text = wrong(&run(
        &[],
        &[("WHITEBOARD_DATABASE_PASSWORD", "hunter2")],
        "",
    ));
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn an_unknown_flag_is_one_clear_line() {
    let text = wrong(&run(&["--lissen", "x"], &[], ""));
    assert!(text.contains("--lissen"), "{text}");
}

//! Settings: `--help`, `.env.example` and the docs list the same ones, a flag and a variable mean the
//! same, and a wrong value is explained.

use std::fmt::Write;
use std::process::Output;

use clap::CommandFactory;
use support::process::program;
use whiteboard::config::{Settings, SettingsError};

/// Settings that take any text.
const FREE: [&str; 3] = ["database-user", "database-password", "jwt-keys"];

/// Settings whose value is never shown.
const SECRET: [&str; 1] = ["operator-key"];

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
        "# The settings of the whiteboard server, with their defaults. Copy this file to .env and remove the #\n\
         # before each setting that you change. Flags and variables of the environment override the file.\n",
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

/// The rows about settings in a table of this file.
fn rows(name: &str) -> Vec<String> {
    let text = file(name);
    let rows = text.lines().filter(|line| line.starts_with("| `--"));
    rows.map(str::to_owned).collect()
}

#[test]
fn the_docs_list_exactly_the_settings_and_the_readme_some_of_them() {
    let expected = settings().into_iter().map(|setting| {
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
    let expected: Vec<_> = expected.collect();
    assert!(
        rows("docs/operating.md") == expected,
        "this is what the table should be:\n{}",
        expected.join("\n")
    );
    let readme = rows("README.md");
    assert!(readme.len() > 5);
    for row in readme {
        assert!(expected.contains(&row), "{row}");
    }
}

#[test]
fn the_docs_name_the_values_of_the_constants() {
    let settings = Settings::from_flags([]).unwrap();
    let (feed, session) = (settings.drawings.feed(""), settings.sessions.limits(20_000));
    let database = settings.database.database();
    let mebibytes = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    let rate = session.ops_per_second.get();
    let docs = file("docs/operating.md").replace(',', "");
    for (bound, value) in [
        (
            "ops of one drawing that wait to be stored",
            format!("{} {} MiB", feed.queue_ops, mebibytes(feed.queue_bytes)),
        ),
        (
            "ops of one session without an answer",
            session.max_unacked_ops.to_string(),
        ),
        (
            "ops of one session at once",
            format!("those of {} s", session.ops_burst.get() / rate),
        ),
        (
            "signals of one session",
            format!("{} a second", session.signals_per_second),
        ),
        (
            "frames that wait for a page that does not read",
            format!(
                "{} {} MiB",
                session.send_buffer_frames,
                mebibytes(session.send_buffer_bytes)
            ),
        ),
        (
            "messages of sessions that wait for one drawing",
            feed.feed_mailbox.to_string(),
        ),
        (
            "points of ink of one drawing per 33 ms",
            feed.ink_points.to_string(),
        ),
        (
            "changes that wait for a missing one before them",
            feed.reorder_buffer.to_string(),
        ),
        (
            "notifications of one drawing that wait",
            database.live_query_buffer.to_string(),
        ),
        ("queries in flight", database.max_queries.to_string()),
        (
            "a drawing without sessions in memory",
            format!("{} s", feed.idle_timeout.as_secs()),
        ),
    ] {
        let row = format!("| {bound} | {value}");
        assert!(docs.contains(&row), "docs/operating.md lacks {row}");
    }
}

#[test]
fn there_are_at_most_25_settings() {
    assert!(settings().len() <= 25);
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
        let shown = match SECRET.contains(&&*flag) {
            true => "wrong".to_owned(),
            false => format!("{bad:?}"),
        };
        let start = format!("whiteboard: {variable} (--{flag}) is {shown}: allowed is ");
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
        ("max-connections", "0", "from 1 to"),
        ("max-connections", "-1", "from 1 to"),
        ("access", "closed", "auto, open, links or jwt"),
        ("create", "nobody", "everyone or operator"),
        ("operator-key", "too short", "16 to 200"),
        ("drain-delay", "11m", "from 0s to 10m"),
        ("hosts", "https://draw.example", "host names"),
        ("origins", "draw.example", "origins such as"),
        ("proxies", "proxy.example", "addresses and networks"),
        ("person-header", "a b", "the name of a header"),
        ("person-header", "remote-user", "name the proxies"),
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
        ("gap-timeout", "5", "a time such as"),
        ("max-drawing-size", "64parsec", "a size such as"),
        ("ops-per-second", "0", "from 1 to"),
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

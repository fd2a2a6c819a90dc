//! The program: reads its settings, runs one server until a signal stops it, and drains it.
//!
//! Nothing else reads the environment.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use env_logger::fmt::ConfigurableFormat;
use tokio::signal::unix::{SignalKind, signal};
use whiteboard::admin;
use whiteboard::config::{AdminSettings, Command, Settings, SettingsError};
use whiteboard::server::{self, Server};
use whiteboard::store::KNOWN_HARMLESS_WARNINGS;

/// Exit code for wrong settings; a server that cannot start exits with 1.
const WRONG_SETTINGS: u8 = 2;

/// Open files that are not connections: of the database, the listener and the runtime.
const OTHER_FILES: usize = 256;

const STORAGE_FAILED: &str = "the database's storage failed (is the disk full?), and nothing can be stored \
    until this server is restarted; clients keep their unsaved changes and send them then";

fn main() -> ExitCode {
    if let Err(error) = dotenvy::from_path(".env")
        && !matches!(&error, dotenvy::Error::Io(io) if io.kind() == ErrorKind::NotFound)
    {
        eprintln!("whiteboard: cannot read .env: {error}");
        return ExitCode::from(WRONG_SETTINGS);
    }
    let settings = match Settings::from_environment() {
        Ok(settings) => settings,
        Err(SettingsError::Shown(text)) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(error @ SettingsError::Wrong(_)) => {
            eprintln!("whiteboard: {error}");
            return ExitCode::from(WRONG_SETTINGS);
        }
    };
    let format = ConfigurableFormat::default();
    env_logger::Builder::new()
        // They warn of each letter and each picture that they cannot paint, which anybody can draw.
        .filter_module("usvg", log::LevelFilter::Error)
        .filter_module("resvg", log::LevelFilter::Error)
        .parse_filters(&settings.log)
        .format(move |line, record| match is_harmless(record) {
            true => Ok(()),
            false => format.format(line, record),
        })
        .init();
    for name in Settings::unknown_variables() {
        log::warn!("unknown setting {name}");
    }
    let work = async {
        match &settings.command {
            Some(Command::Admin(asked)) => administer(asked).await,
            None if settings.new_epoch => new_epoch(&settings).await,
            None => serve(settings).await,
        }
    };
    match actix_web::rt::System::new().block_on(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("whiteboard: {error}");
            ExitCode::FAILURE
        }
    }
}

/// By its text, since the same modules also warn of what an operator needs to know.
fn is_harmless(record: &log::Record) -> bool {
    let matches = |(target, text): &(&str, &str)| {
        record.target() == *target && record.args().to_string().starts_with(text)
    };
    record.level() == log::Level::Warn && KNOWN_HARMLESS_WARNINGS.iter().any(matches)
}

/// The number of connections that are wanted, or fewer if fewer files may be open.
fn connections_within_files(wished: usize) -> usize {
    // Each connection is an open file, and the usual soft limit is far below what a server can
    // serve.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        log::warn!("cannot raise the limit of open files: {error}");
    }
    let Ok((files, _)) = rlimit::Resource::NOFILE.get() else {
        return wished;
    };
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    wished.min(files.saturating_sub(OTHER_FILES).max(1))
}

async fn serve(mut settings: Settings) -> Result<(), Box<dyn Error>> {
    let wished = settings.connections.max_connections;
    let max = connections_within_files(wished);
    settings.connections.max_connections = max;
    // Before the server starts, so that a signal stops it in good order from then on.
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let server = Server::start(settings).await?;
    log::info!("whiteboard is ready at http://{}", server.address());
    if max < wished {
        log::info!("the limit of open files allows {max} connections, not {wished}");
    }
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        () = server.failed() => {
            server.give_up().await;
            return Err(STORAGE_FAILED.into());
        }
    }
    log::info!("stopping");
    server.drain().await;
    Ok(())
}

async fn new_epoch(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let store = server::open_existing(&settings.database).await?;
    let renewed = store.renew_epochs().await;
    store.close().await;
    println!("{} drawings began a new epoch", renewed?);
    Ok(())
}

async fn administer(asked: &AdminSettings) -> Result<(), Box<dyn Error>> {
    let store = server::open_existing(&asked.database).await?;
    let done = admin::run(&store, asked.action, asked.json, &mut io::stdout().lock()).await;
    store.close().await;
    Ok(done?)
}

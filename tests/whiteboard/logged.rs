//! The log: each session's start and end, and nothing that a client can repeat without limit.

use serde_json::json;
use support::client::Client;
use support::http::create_drawing;
use support::server::ServerProcess;
use support::state::pen;
use whiteboard::domain::ids::StrokeId;

/// Most lines that one session may add, whatever it sends: its start, the reason for its close, and
/// its end.
const LINES_OF_A_SESSION: usize = 3;
/// Lines of a process that starts and stops.
const LINES_OF_A_PROCESS: usize = 6;

#[actix_web::test]
async fn a_client_cannot_flood_the_log() {
    // Sent at once, and fewer than the limit at which a socket is closed.
    const FRAMES: usize = 600;
    let folder = tempfile::tempdir().unwrap();
    let process = ServerProcess::start(&folder.path().join("data"));
    let drawing = create_drawing(process.address).await;
    // Malformed ops, ops on missing strokes, jumping numbers, and signals: each is answered or
    // dropped.
    let mut eve = Client::open(process.address, &drawing).await;
    eve.forge_ops();
    for n in 1..=FRAMES {
        let stroke = StrokeId::random();
        let op = match n % 2 {
            0 => json!({"n": n, "op": "paint", "stroke": stroke}),
            _ => json!({"n": n, "op": "edit", "stroke": stroke, "set": {"x": 1}}),
        };
        let jump = json!({"n": n + 5_000, "op": "draw", "stroke": stroke, "body": pen(1.0)});
        eve.raw(&json!({"type": "ops", "ops": [op, jump]}).to_string())
            .await;
        eve.signal(json!({"pointer": {"x": n, "y": 2}})).await;
    }
    eve.wait("refusals", |it| it.refusals.len() > 100).await;
    assert!(eve.is_connected());
    // Malformed frames: the first closes the socket, and the others are not read.
    let mut mallory = Client::open(process.address, &drawing).await;
    for _ in 0..FRAMES {
        mallory.raw("{").await;
    }
    assert_eq!(mallory.closed().await.code, 4400);
    eve.leave().await;
    let log = process.stop();
    let most = LINES_OF_A_PROCESS + 2 * LINES_OF_A_SESSION;
    assert!(log.len() <= most, "{} lines: {log:#?}", log.len());
    for words in [
        "session 0 joins drawing",
        "session 0 left",
        "session 1 closes: 4400",
    ] {
        assert!(
            log.iter().any(|line| line.contains(words)),
            "{words}: {log:#?}"
        );
    }
}

#[actix_web::test]
async fn a_clean_stop_logs_no_warning() {
    let folder = tempfile::tempdir().unwrap();
    let process = ServerProcess::start(&folder.path().join("data"));
    let drawing = create_drawing(process.address).await;
    let mut ada = Client::open(process.address, &drawing).await;
    ada.draw_stored(pen(1.0)).await;
    let log = process.stop();
    let alarms = log.iter().filter(|line| !line.contains(" INFO "));
    assert_eq!(alarms.count(), 0, "{log:#?}");
}

//! A refusal is not stored: an op sent again after it is decided again, and then takes effect once.

use serde_json::json;
use support::client::Client;
use support::database::DatabaseServer;
use support::http::create_drawing;
use support::server::TestServer;
use support::state::pen;

#[actix_web::test]
async fn a_refused_op_that_is_sent_again_may_happen_and_then_happens_once() {
    let database = DatabaseServer::start();
    let database = database.database("refused");
    let one = TestServer::on(&database, &[]).await;
    let other = TestServer::on(&database, &[]).await;
    let drawing = create_drawing(one.address()).await;
    let mut ada = Client::open(one.address(), &drawing).await;
    let stroke = ada.draw_stored(pen(1.0)).await;
    ada.erase(stroke).await;
    ada.all_acknowledged().await;
    ada.reach(2).await;

    let mut ben = Client::open(one.address(), &drawing).await;
    ben.reach(2).await;
    let n = ben.edit(stroke, json!({"x": 5})).await;
    assert_eq!(ben.refusal(n).await.reason, "erased");
    let erased = ada.op_on(stroke);
    ada.restore(stroke, pen(1.0), erased).await;
    ada.all_acknowledged().await;

    // Another client under the same numbers, as one that adopted the outbox, joins before the op is
    // stored.
    let mut late = Client::new(other.address(), &drawing);
    (late.key, late.tab) = (ben.key, ben.tab);
    late.connect().await;
    late.wait("a welcome", |it| it.welcome).await;

    // A client that breaks the rule, or missed the refusal: the same number again, through another
    // server.
    let edit = json!({"n": n, "op": "edit", "stroke": stroke, "set": {"x": 5}});
    ben.refusals.clear();
    ben.outbox.push_back((n, edit.clone()));
    ben.reconnect(other.address()).await;
    ben.all_acknowledged().await;
    assert!(ben.refusals.is_empty(), "{ben:?}");
    ben.reach(4).await;
    let held = &ben.strokes[&stroke];
    assert_eq!((held.writer, held.n), (ben.writer.unwrap(), n));
    assert_eq!(held.body.as_ref().unwrap()["x"], json!(5));

    // A third time: acknowledged without effect. A later stroke is acknowledged after it.
    assert_eq!(late.submit(edit).await, n);
    late.draw_stored(pen(2.0)).await;
    assert!(late.refusals.is_empty(), "{late:?}");
    for client in [&mut ada, &mut ben, &mut late] {
        client.reach(5).await;
        assert_eq!((client.head, client.op_on(stroke).n), (5, n));
    }
}

//! A refusal is not stored: an op sent again after it is decided again, and then takes effect once.

use serde_json::json;

use crate::browser::Browser;
use crate::page::pen;
use crate::surrealdb::Server;
use crate::test_server::{create_drawing, serve_on};

#[actix_web::test]
async fn a_refused_op_that_is_sent_again_may_happen_and_then_happens_once() {
    let database = Server::start();
    let database = database.database("refused");
    let one = serve_on(&database, &[]).await;
    let other = serve_on(&database, &[]).await;
    let drawing = create_drawing(one.address()).await;
    let mut ada = Browser::open(one.address(), &drawing).await;
    let stroke = ada.draw(pen(1.0)).await;
    ada.answered().await;
    ada.erase(stroke).await;
    ada.answered().await;
    ada.reach(2).await;

    let mut ben = Browser::open(one.address(), &drawing).await;
    ben.reach(2).await;
    let n = ben.edit(stroke, json!({"x": 5})).await;
    assert_eq!(ben.refusal(n).await.reason, "erased");
    let erased = ada.op_on(stroke);
    ada.restore(stroke, pen(1.0), erased).await;
    ada.answered().await;

    // Another client under the same numbers, as one that adopted the outbox, joins before the op is
    // stored.
    let mut late = Browser::new(other.address(), &drawing);
    (late.key, late.tab) = (ben.key, ben.tab);
    late.connect().await;
    late.wait("being welcome", |b| b.welcome).await;

    // A client that breaks the rule, or missed the refusal: the same number again, through another
    // server.
    let edit = json!({"n": n, "op": "edit", "stroke": stroke, "set": {"x": 5}});
    ben.refusals.clear();
    ben.outbox.push_back((n, edit.clone()));
    ben.reconnect(other.address()).await;
    ben.answered().await;
    assert!(ben.refusals.is_empty(), "{ben:?}");
    ben.reach(4).await;
    let held = &ben.strokes[&stroke];
    assert_eq!((held.writer, held.n), (ben.writer.unwrap(), n));
    assert_eq!(held.body.as_ref().unwrap()["x"], json!(5));

    // A third time: acknowledged without effect. A later stroke is acknowledged after it.
    assert_eq!(late.submit(edit).await, n);
    late.draw(pen(2.0)).await;
    late.answered().await;
    assert!(late.refusals.is_empty(), "{late:?}");
    for page in [&mut ada, &mut ben, &mut late] {
        page.reach(5).await;
        assert_eq!((page.head, page.op_on(stroke).n), (5, n));
    }
    drop((ada, ben, late));
    one.drain().await;
    other.drain().await;
}

//! Programs of several versions on one database, as in a rolling upgrade.

use crate::cluster::Plan;
use crate::direct::Names;
use crate::page::pen;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_serves_a_newer_database_until_that_says_that_it_is_too_old() {
    let mut cluster = Plan::of(1).start().await;
    let direct = cluster.direct().await;
    let old = cluster.create_drawing().await;
    let ada = cluster.visit_at(0, "Ada", &old).await;

    // A newer program started, which this one may run beside.
    direct
        .run("UPDATE meta:schema SET schema = 3, oldest = 1")
        .await;
    let added = cluster.add().await;
    let ben = cluster.visit_at(added, "Ben", &old).await;
    ada.sees(ben.draw(pen(1.0))).await;
    let new = cluster.create_drawing().await;
    let cleo = cluster.visit_at(added, "Cleo", &new).await;
    cleo.draw(pen(2.0));
    assert_eq!(cluster.agree(&new, &[&cleo]).await.living(), 1);
    let meta = direct
        .run("SELECT VALUE [schema, oldest] FROM ONLY meta:schema")
        .await;
    assert_eq!(meta.into_json_value(), serde_json::json!([3, 1]));

    // The upgrade is over, and the newer program writes what this one does not know.
    direct.run("UPDATE meta:schema SET oldest = 3").await;
    assert_eq!(cluster.run(&[]).await, Some(1));
    let reason = "this program knows schema 2: upgrade it";
    cluster.log.has("another", reason).await;
    ben.sees(ada.draw(pen(3.0))).await;
    direct.run("UPDATE meta:schema SET oldest = 1").await;
    assert_eq!(cluster.agree(&old, &[&ada, &ben]).await.living(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drawing_of_an_older_schema_is_migrated_once_when_two_servers_open_it_at_once() {
    let cluster = Plan::of(2).start().await;
    let direct = cluster.direct().await;
    for _ in 0..5 {
        let drawing = cluster.create_drawing().await;
        let Names { row, strokes, .. } = Names::of(&drawing);
        direct.run(&format!("UPDATE {row} SET schema = 0")).await;
        direct.run(&format!("REMOVE FIELD body ON {strokes}")).await;
        let (ada, ben) = tokio::join!(
            cluster.visit_at(0, "Ada", &drawing),
            cluster.visit_at(1, "Ben", &drawing)
        );
        ada.draw(pen(1.0));
        ben.draw(pen(2.0));
        assert_eq!(cluster.agree(&drawing, &[&ada, &ben]).await.living(), 2);
        let schema = direct
            .run(&format!("SELECT VALUE schema FROM ONLY {row}"))
            .await;
        assert_eq!(schema.into_json_value(), serde_json::json!(2));
    }
}

//! Versions of the program on one database, as in a rolling upgrade.

use crate::cluster::Plan;
use crate::page::pen;
use crate::raw_db::RawDb;

/// The schema number of the database, and the lowest one that a program must support.
async fn meta(raw_db: &RawDb) -> [u64; 2] {
    let meta = raw_db
        .run("SELECT VALUE [schema, oldest] FROM ONLY meta:schema")
        .await;
    serde_json::from_value(meta.into_json_value()).expect("two numbers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_continues_beside_a_newer_schema_and_a_new_one_is_refused() {
    let cluster = Plan::of(2).start().await;
    let raw_db = cluster.raw_db().await;
    let old = cluster.create_drawing().await;
    let ada = cluster.visit_at(0, "Ada", &old).await;
    let ben = cluster.visit_at(1, "Ben", &old).await;
    let [known, _] = meta(&raw_db).await;
    let newer = known + 1;

    // A newer program has upgraded the database in a way that running servers can use.
    raw_db
        .run(&format!(
            "UPDATE meta:schema SET schema = {newer}, oldest = {known}"
        ))
        .await;
    assert_eq!(cluster.run(&[]).await, Some(1));
    let reason = format!("this program supports only schema {known}");
    cluster.log.has("another", &reason).await;
    ada.sees(ben.draw(pen(1.0))).await;
    let new = cluster.create_drawing().await;
    let cleo = cluster.visit_at(1, "Cleo", &new).await;
    cleo.draw(pen(2.0));
    cleo.saved().await;
    assert_eq!(meta(&raw_db).await, [newer, known]);

    // The upgrade is over: the newer program excludes this one.
    raw_db
        .run(&format!("UPDATE meta:schema SET oldest = {newer}"))
        .await;
    assert_eq!(cluster.run(&[]).await, Some(1));
    let reason = format!("this program knows schema {known}: upgrade it");
    cluster.log.has("another", &reason).await;
    ben.sees(ada.draw(pen(3.0))).await;
    // The test's own store needs the schema number of this program.
    raw_db
        .run(&format!(
            "UPDATE meta:schema SET schema = {known}, oldest = {known}"
        ))
        .await;
    assert_eq!(cluster.agree(&new, &[&cleo]).await.living(), 1);
    assert_eq!(cluster.agree(&old, &[&ada, &ben]).await.living(), 2);
}

//! Programs of several versions on one database, as in a rolling upgrade.

use crate::cluster::Plan;
use crate::raw_db::RawDb;
use support::state::pen;

/// What the database says of the schema: its number, and the oldest that it may be used by.
async fn meta(raw_db: &RawDb) -> [u64; 2] {
    let meta = raw_db
        .run("SELECT VALUE [schema, oldest] FROM ONLY meta:schema")
        .await;
    serde_json::from_value(meta.into_json_value()).expect("two numbers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_serves_a_newer_database_until_that_says_that_it_is_too_old() {
    let mut cluster = Plan::of(1).start().await;
    let raw_db = cluster.raw_db().await;
    let old = cluster.create_drawing().await;
    let ada = cluster.visit_at(0, "Ada", &old).await;
    let [known, _] = meta(&raw_db).await;
    let newer = known + 1;

    // A newer program started, which this one may run beside.
    raw_db
        .run(&format!(
            "UPDATE meta:schema SET schema = {newer}, oldest = {known}"
        ))
        .await;
    let added = cluster.add().await;
    let ben = cluster.visit_at(added, "Ben", &old).await;
    ada.sees(ben.draw(pen(1.0))).await;
    let new = cluster.create_drawing().await;
    let cleo = cluster.visit_at(added, "Cleo", &new).await;
    cleo.draw(pen(2.0));
    assert_eq!(cluster.agree(&new, &[&cleo]).await.living(), 1);
    assert_eq!(meta(&raw_db).await, [newer, known]);

    // The upgrade is over, and the newer program writes what this one does not know.
    raw_db
        .run(&format!("UPDATE meta:schema SET oldest = {newer}"))
        .await;
    assert_eq!(cluster.run(&[]).await, Some(1));
    let reason = format!("this program knows schema {known}: upgrade it");
    cluster.log.has("another", &reason).await;
    ben.sees(ada.draw(pen(3.0))).await;
    raw_db
        .run(&format!("UPDATE meta:schema SET oldest = {known}"))
        .await;
    assert_eq!(cluster.agree(&old, &[&ada, &ben]).await.living(), 2);
}

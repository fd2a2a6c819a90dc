//! Stub.
#![allow(missing_docs)]
use std::time::Duration;
use crate::drawing::Limits;
use crate::model::{Life, Seq};
#[derive(Clone, Debug)]
pub struct FeedSettings {
    pub limits: Limits,
    pub queue_ops: usize,
    pub queue_bytes: usize,
    pub gap_hold: Duration,
    pub idle_close: Duration,
    pub heads_interval: Duration,
    pub build: String,
}
#[derive(Debug)]
pub struct ReadPage {
    pub life: Life,
    pub from: Seq,
    pub head: Seq,
    pub more: bool,
    pub title: String,
    pub reset: bool,
    pub changes: String,
}
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    #[error("there is no such drawing")]
    NotFound,
    #[error("the database cannot be reached just now")]
    Unavailable,
}

//! Limits on running and waiting jobs.

use std::sync::mpsc::{self, Receiver, Sender};

use super::*;

const MAX_WAITING: usize = 4;

fn pool(threads: usize) -> Compute {
    let bounds = Bounds {
        threads,
        waiting: MAX_WAITING,
        waiting_in_all: MAX_WAITING + 2,
    };
    Compute::new("test", bounds)
}

const ALICE: i64 = 1;
const BOB: i64 = 2;
const CAROL: i64 = 3;

/// Starts a job that reports its start, and ends when the returned sender is used.
fn begin(pool: &Compute, owner: i64, began: &Sender<i64>) -> Sender<()> {
    let (end, ended) = mpsc::channel::<()>();
    let (pool, began) = (pool.clone(), began.clone());
    tokio::spawn(async move {
        let work = move || {
            began.send(owner).unwrap();
            ended.recv().unwrap_err();
        };
        pool.run(owner, work).await
    });
    end
}

fn next(began: &Receiver<i64>) -> i64 {
    began.recv_timeout(Duration::from_secs(10)).unwrap()
}

#[tokio::test]
async fn an_owner_whose_jobs_take_long_does_not_delay_others() {
    let pool = pool(2);
    let (began, begins) = mpsc::channel();
    let ends: Vec<_> = (0..4).map(|_| begin(&pool, ALICE, &began)).collect();
    tokio::task::yield_now().await;
    assert_eq!(next(&begins), ALICE);
    assert_eq!(pool.run(BOB, || 7).await, Ok(7));
    assert!(
        begins.try_recv().is_err(),
        "one thread is reserved for others"
    );
    drop(ends);
}

#[tokio::test]
async fn owners_take_turns() {
    let pool = pool(1);
    let (began, begins) = mpsc::channel();
    let first = begin(&pool, ALICE, &began);
    tokio::task::yield_now().await;
    assert_eq!(next(&begins), ALICE);
    for owner in [ALICE, ALICE, ALICE, BOB, BOB, CAROL] {
        drop(begin(&pool, owner, &began));
        tokio::task::yield_now().await;
    }
    drop(first);
    let order: Vec<_> = (0..6).map(|_| next(&begins)).collect();
    assert_eq!(order, [ALICE, BOB, CAROL, ALICE, BOB, ALICE]);
}

#[tokio::test]
async fn an_owner_with_many_waiting_jobs_is_refused_more() {
    let pool = pool(1);
    let (began, begins) = mpsc::channel();
    let first = begin(&pool, ALICE, &began);
    tokio::task::yield_now().await;
    next(&begins);
    let waiting: Vec<_> = (0..MAX_WAITING)
        .map(|_| begin(&pool, ALICE, &began))
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(pool.run(ALICE, || ()).await, Err(Refused::Owner));
    drop((first, waiting));
    assert_eq!(pool.run(BOB, || ()).await, Ok(()));
}

#[tokio::test]
async fn where_all_places_are_taken_the_owner_with_most_makes_room() {
    let pool = pool(1);
    let (began, begins) = mpsc::channel();
    let first = begin(&pool, ALICE, &began);
    tokio::task::yield_now().await;
    next(&begins);
    let waiting: Vec<_> = [ALICE, ALICE, ALICE, ALICE, BOB, BOB]
        .map(|owner| begin(&pool, owner, &began))
        .into();
    tokio::task::yield_now().await;
    let carols = tokio::spawn({
        let pool = pool.clone();
        async move { pool.run(CAROL, || 7).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(pool.run(ALICE, || 7).await, Err(Refused::Busy));
    drop((first, waiting));
    assert_eq!(carols.await.unwrap(), Ok(7));
    drop(pool);
    drop(began);
    assert_eq!(
        begins.into_iter().filter(|owner| *owner == ALICE).count(),
        3
    );
}

#[tokio::test]
async fn a_job_that_panics_takes_no_thread_with_it() {
    let pool = pool(1);
    for _ in 0..3 {
        let panicked = pool.run(ALICE, || Vec::<u8>::new()[0]).await;
        assert_eq!(panicked, Err(Refused::Panicked));
    }
    assert_eq!(pool.run(ALICE, || 7).await, Ok(7));
}

#[tokio::test]
async fn a_job_whose_caller_has_gone_away_is_not_begun() {
    let pool = pool(1);
    let (began, begins) = mpsc::channel();
    let first = begin(&pool, ALICE, &began);
    tokio::task::yield_now().await;
    next(&begins);
    let abandoned = pool.run(BOB, move || began.send(BOB));
    assert!(timeout(Duration::ZERO, abandoned).await.is_err());
    drop(first);
    assert_eq!(pool.run(CAROL, || 7).await, Ok(7));
    assert!(begins.try_recv().is_err());
}

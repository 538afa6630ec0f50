//! Text that JSON allows and PostgreSQL's text does not.

use webhook_model::{Attempt, Exchange, FieldText, Phase, Rejected, Source};
use webhook_store::{InitialState, NextState, Queries, Queue, RejectedFilter};

use crate::world::{
    acme, at, delivery_id, event, open, orders, owner, plan, planned, set_up, shared, success,
};

const NUL: &str = "a\0b \u{1f980} \\u0000 \"quoted\"";

#[tokio::test]
async fn text_with_nul_is_kept_as_it_came() {
    let store = open(&shared().await).await;
    let owner = owner("a");
    set_up(&store, &owner).await;
    let mut keyed = event("e");
    keyed.ordering_key = Some(NUL.into());
    keyed.data = b"{\"text\": \"\\u0000\"}\0\xff".to_vec().into();
    let mut planned = planned(keyed.clone(), InitialState::Claimed);
    planned.deliveries[0].ordered = true;
    planned.deliveries[0].body = Some(b"\0\xffbody".to_vec().into());
    let fence = plan(&store, &owner, vec![planned]).await.unwrap();
    assert_eq!(store.event(&acme(), &keyed.id).await.unwrap(), Some(keyed));
    let attempt = Attempt {
        at: at(2),
        status: None,
        error: Some(NUL.into()),
        phase: Some(Phase::Connect),
        duration_ms: 1,
        exchange: Exchange::of_text(NUL),
    };
    let outcome = webhook_store::Outcome {
        attempt: Some(attempt.clone()),
        next: NextState::Dead(NUL.into()),
        ..success(delivery_id("e"), fence)
    };
    for _ in 0..2 {
        let recorded = store.complete(&owner, std::slice::from_ref(&outcome), at(3));
        assert_eq!(recorded.await.unwrap(), [true]);
    }
    let delivery = store
        .delivery(&acme(), &delivery_id("e"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(delivery.reason.as_deref(), Some(NUL));
    assert_eq!(delivery.attempts, [attempt]);
    assert_eq!(delivery.endpoint, orders());
}

#[tokio::test]
async fn rejected_text_with_nul_is_kept_as_it_came() {
    let store = open(&shared().await).await;
    let field = |bytes: &[u8]| FieldText::from(bytes.to_vec());
    let rejected = Rejected {
        id: NUL.into(),
        tenant: None,
        source: Source::named("orders"),
        at: at(1),
        code: "bad-data".into(),
        reason: NUL.into(),
        fields: vec![
            (field(NUL.as_bytes()), field(b"\0")),
            (field(b"\xff\0"), field(b"")),
        ],
    };
    store.reject(std::slice::from_ref(&rejected)).await.unwrap();
    let filter = RejectedFilter::Id(NUL.into());
    let listed = store.rejected(&filter, None, 5).await.unwrap();
    assert_eq!(listed.items, std::slice::from_ref(&rejected));
    let none = RejectedFilter::Id("\0".into());
    assert_eq!(store.rejected(&none, None, 5).await.unwrap().items, []);
    assert_eq!(store.take_rejected(NUL).await.unwrap(), Some(rejected));
}

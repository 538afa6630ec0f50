//! Guarantees of sessions.

use webhook_model::{AccessSession, KeyId, Portal, Role, SessionId, TokenHash};
use webhook_store::{Cursor, StoreError};

use crate::contract::access_keys::key;
use crate::world::{World, at, tenant_id};

/// Returns a session of the pages until 99.
pub fn session(name: &str, key: &KeyId) -> AccessSession {
    AccessSession {
        id: SessionId::at(at(1)),
        hash: TokenHash::of(name),
        key: key.clone(),
        key_name: "shop".into(),
        portal: None,
        created_at: at(1),
        expires_at: at(99),
    }
}

/// Returns a session of a tenant's portal until 99.
pub fn portal(name: &str, key: &KeyId, tenant: &str) -> AccessSession {
    AccessSession {
        portal: Some(Portal {
            tenant: tenant_id(tenant),
            role: Role::Viewer,
        }),
        ..session(name, key)
    }
}

async fn add(world: &World, session: &AccessSession) {
    assert!(world.store().add_session(session).await.unwrap());
}

pub async fn a_session_is_found_by_its_token(mut world: World) {
    let (pages, portal) = (
        session("a", &key("k").id),
        portal("b", &key("k").id, "acme"),
    );
    for session in [&pages, &portal] {
        add(&world, session).await;
    }
    world.restart(50).await;
    for session in [pages, portal] {
        let found = world.store().session(&session.hash).await.unwrap();
        assert_eq!(found, Some(session));
    }
    let unknown = world.store().session(&TokenHash::of("c")).await.unwrap();
    assert_eq!(unknown, None);
}

pub async fn a_deleted_session_is_gone(world: World) {
    let pages = session("a", &key("k").id);
    add(&world, &pages).await;
    let delete = async || world.store().delete_session(&pages.hash).await.unwrap();
    assert_eq!(delete().await, Some(pages.clone()));
    assert_eq!(delete().await, None);
    assert_eq!(world.store().session(&pages.hash).await.unwrap(), None);
}

pub async fn portal_sessions_are_listed_by_tenant_in_pages(world: World) {
    let key = key("k").id;
    add(&world, &session("pages", &key)).await;
    add(&world, &portal("other", &key, "globex")).await;
    let mut all = Vec::new();
    for number in 0..5 {
        let session = AccessSession {
            id: SessionId::at(at(number)),
            ..portal(&number.to_string(), &key, "acme")
        };
        add(&world, &session).await;
        all.insert(0, session);
    }
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = world
            .store()
            .portal_sessions(&world.acme, cursor.as_ref(), 2);
        let page = page.await.unwrap();
        found.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, all);
    for invalid in ["", "s", "aaud_1", "sses_%"] {
        let cursor = Cursor(invalid.into());
        let page = world.store().portal_sessions(&world.acme, Some(&cursor), 2);
        assert!(
            matches!(page.await, Err(StoreError::Cursor(_))),
            "{invalid}"
        );
    }
}

pub async fn a_portal_session_is_extended_before_its_end_only(world: World) {
    let session = portal("a", &key("k").id, "acme");
    add(&world, &session).await;
    let extend = async |tenant: &str, now, until| {
        let tenant = tenant_id(tenant);
        let extended = world
            .store()
            .extend_session(&tenant, &session.id, at(now), at(until));
        extended.await.unwrap()
    };
    let longer = AccessSession {
        expires_at: at(150),
        ..session.clone()
    };
    assert_eq!(extend("globex", 50, 150).await, None);
    assert_eq!(extend("acme", 50, 150).await, Some(longer.clone()));
    assert_eq!(extend("acme", 150, 200).await, None);
    let found = world.store().session(&session.hash).await.unwrap();
    assert_eq!(found, Some(longer));
}

pub async fn a_portal_session_is_deleted_by_its_tenant_only(world: World) {
    let session = portal("a", &key("k").id, "acme");
    add(&world, &session).await;
    let delete = async |tenant: &str| {
        let tenant = tenant_id(tenant);
        let deleted = world.store().delete_portal_session(&tenant, &session.id);
        deleted.await.unwrap()
    };
    assert_eq!(delete("globex").await, None);
    assert_eq!(delete("acme").await, Some(session.clone()));
    assert_eq!(delete("acme").await, None);
    assert_eq!(world.store().session(&session.hash).await.unwrap(), None);
}

pub async fn ended_sessions_are_pruned(world: World) {
    let key = key("k").id;
    let (ended, lasting) = (session("a", &key), session("b", &key));
    let lasting = AccessSession {
        expires_at: at(200),
        ..lasting
    };
    for session in [&ended, &lasting] {
        add(&world, session).await;
    }
    while world.store().prune_sessions(at(100), at(0)).await.unwrap() {}
    assert_eq!(world.store().session(&ended.hash).await.unwrap(), None);
    let found = world.store().session(&lasting.hash).await.unwrap();
    assert_eq!(found, Some(lasting));
}

//! Guarantees of access keys.

use webhook_model::{AccessKey, KeyId, Role, TokenHash};
use webhook_store::{KeyAddition, MAX_KEYS};

use crate::contract::sessions::{portal, session};
use crate::world::{World, at, tenant_id};

/// Returns an operator's key of tenant `acme`.
pub fn key(name: &str) -> AccessKey {
    AccessKey {
        id: KeyId::parse(&format!("key_{name}")).unwrap(),
        name: name.into(),
        role: Role::Operator,
        tenant: Some(tenant_id("acme")),
        hash: TokenHash::of(name),
        created_at: at(1),
        expires_at: Some(at(99)),
    }
}

pub async fn a_key_is_stored_unchanged(mut world: World) {
    let admin = AccessKey {
        role: Role::Admin,
        tenant: None,
        expires_at: None,
        ..key("admin")
    };
    for one in [&key("shop"), &admin] {
        let added = world.store().add_key(one).await.unwrap();
        assert_eq!(added, KeyAddition::Added);
    }
    world.restart(50).await;
    assert_eq!(world.store().keys().await.unwrap(), [admin, key("shop")]);
}

pub async fn a_key_has_its_own_name_id_and_text(world: World) {
    let (one, other) = (key("one"), key("other"));
    world.store().add_key(&one).await.unwrap();
    for taken in [
        AccessKey {
            id: one.id.clone(),
            ..other.clone()
        },
        AccessKey {
            name: one.name.clone(),
            ..other.clone()
        },
        AccessKey {
            hash: one.hash,
            ..other.clone()
        },
    ] {
        let added = world.store().add_key(&taken).await.unwrap();
        assert_eq!(added, KeyAddition::Taken);
    }
    assert_eq!(world.store().keys().await.unwrap(), [one]);
}

pub async fn a_deleted_key_is_gone_with_its_sessions(world: World) {
    let store = world.store();
    let (one, other) = (key("one"), key("other"));
    for key in [&one, &other] {
        store.add_key(key).await.unwrap();
        store
            .record_key_uses(&[(key.id.clone(), at(5))])
            .await
            .unwrap();
    }
    let (its, others) = (session("its", &one.id), session("others", &other.id));
    for session in [&its, &others] {
        assert!(store.add_session(session).await.unwrap());
    }
    assert_eq!(store.delete_key(&one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(store.delete_key(&one.id).await.unwrap(), None);
    assert_eq!(store.keys().await.unwrap(), std::slice::from_ref(&other));
    assert_eq!(store.session(&its.hash).await.unwrap(), None);
    assert_eq!(store.session(&others.hash).await.unwrap(), Some(others));
    assert_eq!(store.key_uses().await.unwrap(), [(other.id, at(5))]);
    // Its name can be used again.
    assert_eq!(store.add_key(&one).await.unwrap(), KeyAddition::Added);
}

pub async fn the_keys_of_a_tenant_are_deleted_with_its_portal_sessions(world: World) {
    let store = world.store();
    let other = AccessKey {
        tenant: Some(tenant_id("globex")),
        ..key("other")
    };
    let (shop, acme) = (key("shop"), tenant_id("acme"));
    for key in [&shop, &other] {
        store.add_key(key).await.unwrap();
    }
    let pages = session("pages", &shop.id);
    let of_admin = portal("portal", &KeyId::parse("admin").unwrap(), "acme");
    let globex = portal("globex", &other.id, "globex");
    for session in [&pages, &of_admin, &globex] {
        store.add_session(session).await.unwrap();
    }
    store.delete_keys_of(&acme).await.unwrap();
    assert_eq!(store.keys().await.unwrap(), [other]);
    for gone in [&pages, &of_admin] {
        assert_eq!(store.session(&gone.hash).await.unwrap(), None);
    }
    assert_eq!(store.session(&globex.hash).await.unwrap(), Some(globex));
}

pub async fn the_number_of_keys_is_bounded(world: World) {
    for number in 0..MAX_KEYS {
        let added = world.store().add_key(&key(&format!("k{number}"))).await;
        assert_eq!(added.unwrap(), KeyAddition::Added);
    }
    let added = world.store().add_key(&key("another")).await.unwrap();
    assert_eq!(added, KeyAddition::TooMany);
}

pub async fn the_last_use_of_a_key_stays(world: World) {
    let id = |name: &str| KeyId::parse(name).unwrap();
    let record = async |uses: &[(KeyId, _)]| world.store().record_key_uses(uses).await.unwrap();
    record(&[(id("b"), at(3)), (id("a"), at(7))]).await;
    record(&[(id("a"), at(5))]).await;
    record(&[(id("b"), at(9))]).await;
    let uses = [(id("a"), at(7)), (id("b"), at(9))];
    assert_eq!(world.store().key_uses().await.unwrap(), uses);
    while world.store().prune_sessions(at(0), at(8)).await.unwrap() {}
    assert_eq!(world.store().key_uses().await.unwrap(), uses[1..]);
}

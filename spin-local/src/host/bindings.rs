//! Bindings that are generated from `wit/spin`.

wasmtime::component::bindgen!({
    path: "../wit/spin",
    world: "host",
    imports: { default: async | trappable },
    with: {
        "fermyon:spin/key-value.store": crate::host::key_value::Store,
        "fermyon:spin/postgres.connection": crate::host::postgres::Connection,
        "fermyon:spin/redis.connection": crate::host::redis::Connection,
        "fermyon:spin/sqlite.connection": crate::host::sqlite::Connection,
        "spin:postgres/postgres@3.0.0.connection": crate::host::postgres::Connection,
        "spin:postgres/postgres@4.1.0.connection": crate::host::postgres::Connection,
        "spin:postgres/postgres@4.1.0.connection-builder": crate::host::postgres::Builder,
        "spin:sqlite/sqlite.connection": crate::host::sqlite::Connection,
        "wasi:keyvalue/store.bucket": crate::host::key_value::Store,
        "wasi:keyvalue/atomics.cas": crate::host::key_value::Cas,
    },
    require_store_data_send: true,
});

//! An instance of the component in an empty linker.

use test_support::components;
use wasmtime::component::{
    Component, ComponentNamedList, Instance as Instantiated, Lift, Linker, Lower, TypedFunc,
};
use wasmtime::{Engine, Store};

pub struct Instance {
    pub store: Store<()>,
    pub instance: Instantiated,
}

impl Instance {
    pub fn new() -> Self {
        let engine = Engine::default();
        let component = Component::from_file(&engine, components::hmac()).expect("a component");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine)
            .instantiate(&mut store, &component)
            .expect("the component imports nothing");
        Self { store, instance }
    }

    pub fn function<P, R>(&mut self, interface: &str, name: &str) -> TypedFunc<P, R>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let store = &mut self.store;
        let interface = self.instance.get_export_index(&mut *store, None, interface);
        let function = self
            .instance
            .get_export_index(&mut *store, interface.as_ref(), name);
        let function = function.unwrap_or_else(|| panic!("no function `{name}`"));
        self.instance
            .get_typed_func(store, function)
            .expect("the types of the interface")
    }
}

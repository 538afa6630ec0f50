//! The exports and imports of the component.

use std::collections::BTreeMap;
use std::fs;

use test_support::components;
use wit_component::DecodedWasm;
use wit_parser::{Function, Resolve, Type, TypeDefKind, WorldId, WorldItem};

/// The functions of each interface, with their types spelt out.
type Interface = BTreeMap<String, Vec<String>>;

/// The maximum size of the component in bytes: 120 KiB.
const MAX_BYTES: usize = 120 * 1024;

/// The functions that a component built against the published `fermyon:hmac` imports.
const HMAC: [(&str, &str); 2] = [
    (
        "fermyon:hmac/sign@0.1.0",
        "sign(data: list<u8>, keyvalue: list<u8>) -> result<list<u8>, string>",
    ),
    (
        "fermyon:hmac/verify@0.1.0",
        "verify(data: list<u8>, keyvalue: list<u8>, tag: list<u8>) -> bool",
    ),
];

/// The documents with their worlds.
const DOCUMENTS: [(&str, &str); 2] = [
    ("wit/hmac.wit", "signing"),
    ("wit/signature.wit", "signatures"),
];

fn built() -> (Vec<u8>, Resolve, WorldId) {
    let bytes = fs::read(components::hmac()).expect("a file");
    match wit_component::decode(&bytes).expect("WIT") {
        DecodedWasm::Component(resolve, world) => (bytes, resolve, world),
        DecodedWasm::WitPackage(..) => panic!("the file is not a component"),
    }
}

fn documented() -> Interface {
    let mut interface = Interface::new();
    for (file, world) in DOCUMENTS {
        let mut resolve = Resolve::default();
        let file = components::root().join(file);
        let package = resolve.push_file(file).expect("a WIT document");
        let world = resolve.select_world(&[package], Some(world));
        interface.extend(exports(&resolve, world.expect("a world")));
    }
    interface
}

#[test]
fn the_component_imports_nothing() {
    let (_, resolve, world) = built();
    let imports: Vec<_> = resolve.worlds[world].imports.keys().collect();
    assert!(imports.is_empty(), "{imports:?}");
}

#[test]
fn the_compiled_interfaces_match_the_documented_ones() {
    let (_, resolve, world) = built();
    let documented = documented();
    assert_eq!(documented.len(), 7, "{documented:#?}");
    assert_eq!(exports(&resolve, world), documented);
}

#[test]
fn the_published_part_of_fermyon_hmac_is_unchanged() {
    let (_, resolve, world) = built();
    let mut hmac = exports(&resolve, world);
    hmac.retain(|name, _| name.starts_with("fermyon:hmac/"));
    let own = |(name, function): (&str, &str)| (name.to_owned(), vec![function.to_owned()]);
    let mut published = Interface::from(HMAC.map(own));
    // It only has type names. A guest whose manifest names the whole package needs it.
    published.insert("fermyon:hmac/types@0.1.0".to_owned(), Vec::new());
    assert_eq!(hmac, published);
}

#[test]
fn the_component_is_small() {
    let (bytes, ..) = built();
    assert!(bytes.len() <= MAX_BYTES, "{} bytes", bytes.len());
}

/// Returns the functions of each interface that a world exports.
fn exports(resolve: &Resolve, world: WorldId) -> Interface {
    let exports = &resolve.worlds[world].exports;
    let exports = exports.values().map(|item| match item {
        WorldItem::Interface { id, .. } => {
            let functions = resolve.interfaces[*id].functions.values();
            let functions = functions.map(|function| signature(resolve, function));
            (resolve.id_of(*id).expect("a name"), functions.collect())
        }
        other => panic!("{other:?} is not an interface"),
    });
    exports.collect()
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let parameters = function.params.iter();
    let parameters = parameters.map(|param| (param.name.as_str(), Some(&param.ty)));
    let result = function.result.as_ref().map(|ty| text(resolve, ty));
    format!(
        "{}({}) -> {}",
        function.name,
        fields(resolve, parameters),
        result.unwrap_or_default()
    )
}

/// Formats a type as WIT, with aliases resolved.
fn text(resolve: &Resolve, ty: &Type) -> String {
    match ty {
        Type::Id(id) => defined(resolve, &resolve.types[*id].kind),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn defined(resolve: &Resolve, kind: &TypeDefKind) -> String {
    let text = |ty: &Type| text(resolve, ty);
    let optional = |ty: &Option<Type>| ty.as_ref().map_or("_".to_owned(), text);
    match kind {
        TypeDefKind::Type(ty) => text(ty),
        TypeDefKind::List(ty) => format!("list<{}>", text(ty)),
        TypeDefKind::Option(ty) => format!("option<{}>", text(ty)),
        TypeDefKind::Result(result) => {
            format!(
                "result<{}, {}>",
                optional(&result.ok),
                optional(&result.err)
            )
        }
        TypeDefKind::Tuple(tuple) => {
            let types: Vec<_> = tuple.types.iter().map(text).collect();
            format!("tuple<{}>", types.join(", "))
        }
        TypeDefKind::Record(record) => {
            let members = record.fields.iter();
            let members = members.map(|field| (field.name.as_str(), Some(&field.ty)));
            format!("record {{{}}}", fields(resolve, members))
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter();
            let cases = cases.map(|case| (case.name.as_str(), case.ty.as_ref()));
            format!("variant {{{}}}", fields(resolve, cases))
        }
        TypeDefKind::Enum(names) => {
            let names = names.cases.iter().map(|case| (case.name.as_str(), None));
            format!("enum {{{}}}", fields(resolve, names))
        }
        other => panic!("{other:?} is not supported here"),
    }
}

fn fields<'a>(
    resolve: &Resolve,
    fields: impl Iterator<Item = (&'a str, Option<&'a Type>)>,
) -> String {
    let fields = fields.map(|(name, ty)| match ty {
        Some(ty) => format!("{name}: {}", text(resolve, ty)),
        None => name.to_owned(),
    });
    fields.collect::<Vec<_>>().join(", ")
}

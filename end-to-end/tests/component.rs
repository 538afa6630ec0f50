//! The built HMAC component, run in a host that gives it nothing.

use std::collections::BTreeMap;
use std::fs;

use test_support::components;
use wasmtime::component::{
    Component, ComponentNamedList, Instance, Lift, Linker, Lower, TypedFunc,
};
use wasmtime::{Engine, Store};
use wit_component::DecodedWasm;
use wit_parser::{Function, Resolve, Type, TypeDefKind, WorldId, WorldItem};

/// An instance of the component in a linker that is empty.
struct Signing {
    store: Store<()>,
    instance: Instance,
}

impl Signing {
    fn new() -> Self {
        let engine = Engine::default();
        let component = Component::from_file(&engine, components::hmac()).expect("a component");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine)
            .instantiate(&mut store, &component)
            .expect("it imports nothing");
        Self { store, instance }
    }

    fn function<P, R>(&mut self, interface: &str, name: &str) -> TypedFunc<P, R>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let store = &mut self.store;
        let interface = self.instance.get_export_index(&mut *store, None, interface);
        let function = self
            .instance
            .get_export_index(&mut *store, interface.as_ref(), name);
        let function = function.unwrap_or_else(|| panic!("there is no function `{name}`"));
        self.instance
            .get_typed_func(store, function)
            .expect("the types of the interface")
    }

    fn sign(&mut self, data: &[u8], key: &[u8]) -> Vec<u8> {
        let sign = self.function::<(&[u8], &[u8]), (Result<Vec<u8>, String>,)>(
            "fermyon:hmac/sign@0.1.0",
            "sign",
        );
        let (tag,) = sign.call(&mut self.store, (data, key)).expect("no trap");
        tag.expect("no input is refused")
    }

    fn verify(&mut self, data: &[u8], key: &[u8], tag: &[u8]) -> bool {
        let verify =
            self.function::<(&[u8], &[u8], &[u8]), (bool,)>("fermyon:hmac/verify@0.1.0", "verify");
        let (holds,) = verify
            .call(&mut self.store, (data, key, tag))
            .expect("no trap");
        holds
    }
}

/// The tag by the crates alone.
fn expected(data: &[u8], key: &[u8]) -> Vec<u8> {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("any length of key");
    mac.update(data);
    hex::encode_upper(mac.finalize().into_bytes()).into_bytes()
}

/// Key, data and tag of the test cases of RFC 4231 with a whole HMAC-SHA256.
fn rfc_4231() -> [(Vec<u8>, Vec<u8>, &'static str); 6] {
    let long_key = "Test Using Larger Than Block-Size Key - Hash Key First";
    let long_both = "This is a test using a larger than block-size key and a larger than \
                     block-size data. The key needs to be hashed before being used by the HMAC \
                     algorithm.";
    [
        (
            vec![0x0b; 20],
            b"Hi There".to_vec(),
            "B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7",
        ),
        (
            b"Jefe".to_vec(),
            b"what do ya want for nothing?".to_vec(),
            "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843",
        ),
        (
            vec![0xaa; 20],
            vec![0xdd; 50],
            "773EA91E36800E46854DB8EBD09181A72959098B3EF8C122D9635514CED565FE",
        ),
        (
            (1..=25).collect(),
            vec![0xcd; 50],
            "82558A389A443C0EA4CC819899F2083A85F0FAA3E578F8077A2E3FF46729665B",
        ),
        (
            vec![0xaa; 131],
            long_key.into(),
            "60E431591EE0B67F0D8A26AACBF5B77F8E0BC6213728C5140546040F0EE37F54",
        ),
        (
            vec![0xaa; 131],
            long_both.into(),
            "9B09FFA71B942FCB27635FBCD5B0E944BFDC63644F0713938A7F51535C3A35E2",
        ),
    ]
}

#[test]
fn the_vectors_of_rfc_4231_are_signed_and_verified() {
    let mut signing = Signing::new();
    for (key, data, tag) in rfc_4231() {
        assert_eq!(
            String::from_utf8(signing.sign(&data, &key)).as_deref(),
            Ok(tag)
        );
        assert!(signing.verify(&data, &key, tag.as_bytes()), "{tag}");
    }
}

#[test]
fn empty_and_large_inputs_are_signed_like_any_other() {
    let mut signing = Signing::new();
    let mebibyte: Vec<u8> = (0..1 << 20)
        .map(|place: u32| place.to_le_bytes()[0])
        .collect();
    let inputs: [(&[u8], &[u8]); 6] = [
        (b"", b""),
        (b"", b"key"),
        (b"data", b""),
        (b"\0", b"\0"),
        (&mebibyte, b"key"),
        (b"data", &mebibyte),
    ];
    for (data, key) in inputs {
        let tag = signing.sign(data, key);
        let sizes = (data.len(), key.len());
        assert_eq!(tag, expected(data, key), "{sizes:?}");
        assert!(signing.verify(data, key, &tag), "{sizes:?}");
    }
}

#[test]
fn large_inputs_one_after_the_other_do_not_use_it_up() {
    let mut signing = Signing::new();
    let data = vec![7; 1 << 20];
    let expected = expected(&data, b"key");
    for _ in 0..100 {
        assert_eq!(signing.sign(&data, b"key"), expected);
    }
}

#[test]
fn a_tag_in_lower_or_mixed_case_is_accepted() {
    let mut signing = Signing::new();
    let tag = signing.sign(b"data", b"key");
    let lower = tag.to_ascii_lowercase();
    assert_ne!(lower, tag);
    assert!(signing.verify(b"data", b"key", &lower));
    let mixed = [&tag[..32], &lower[32..]].concat();
    assert!(signing.verify(b"data", b"key", &mixed));
}

#[test]
fn a_tag_that_is_none_is_answered_false() {
    let mut signing = Signing::new();
    let tag = signing.sign(b"data", b"key");
    let with = |place: usize, byte: u8| {
        let mut tag = tag.clone();
        tag[place] = byte;
        tag
    };
    let raw = hex::decode(&tag).expect("hexadecimal");
    let bad = [
        ("empty", Vec::new()),
        ("odd length", tag[..63].to_vec()),
        ("one digit more", [&tag[..], b"0"].concat()),
        ("truncated", tag[..62].to_vec()),
        ("half", tag[..32].to_vec()),
        ("too long", [&tag[..], b"00"].concat()),
        ("twice", [&tag[..], &tag[..]].concat()),
        ("not hexadecimal", with(0, b'G')),
        ("a space", with(63, b' ')),
        ("not ASCII", with(31, 0xff)),
        ("the raw bytes", raw),
        ("a prefix", [b"sha256=".as_slice(), &tag].concat()),
        ("a line feed", [&tag[..], b"\n"].concat()),
        ("very long", vec![b'0'; 1 << 20]),
    ];
    for (what, bad) in bad {
        assert!(!signing.verify(b"data", b"key", &bad), "{what}");
    }
    assert!(signing.verify(b"data", b"key", &tag));
}

#[test]
fn a_flipped_bit_anywhere_is_answered_false() {
    let mut signing = Signing::new();
    let (data, key) = (b"some data".as_slice(), b"some key".as_slice());
    let tag = signing.sign(data, key);
    let raw = hex::decode(&tag).expect("hexadecimal");
    let flipped = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let flip = |bit: usize| {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        };
        (0..bytes.len() * 8).map(flip).collect()
    };
    for data in flipped(data) {
        assert!(!signing.verify(&data, key, &tag), "{data:?}");
    }
    for key in flipped(key) {
        assert!(!signing.verify(data, &key, &tag), "{key:?}");
    }
    for raw in flipped(&raw) {
        let tag = hex::encode_upper(raw);
        assert!(!signing.verify(data, key, tag.as_bytes()), "{tag}");
    }
}

/// What a component built against the published interface finds.
const INTERFACE: [(&str, &str); 2] = [
    (
        "fermyon:hmac/sign@0.1.0",
        "sign(data: list<u8>, keyvalue: list<u8>) -> result<list<u8>, string>",
    ),
    (
        "fermyon:hmac/verify@0.1.0",
        "verify(data: list<u8>, keyvalue: list<u8>, tag: list<u8>) -> bool",
    ),
];

fn interface() -> BTreeMap<String, Vec<String>> {
    let own = |(name, function): (&str, &str)| (name.to_owned(), vec![function.to_owned()]);
    let mut interface = BTreeMap::from(INTERFACE.map(own));
    // Names only. It has to be there for a guest whose manifest names the whole package.
    interface.insert("fermyon:hmac/types@0.1.0".to_owned(), Vec::new());
    interface
}

#[test]
fn the_component_exports_the_interface_and_imports_nothing() {
    let bytes = fs::read(components::hmac()).expect("a file");
    let DecodedWasm::Component(resolve, world) = wit_component::decode(&bytes).expect("WIT") else {
        panic!("it is no component");
    };
    let imports: Vec<_> = resolve.worlds[world].imports.keys().collect();
    assert!(imports.is_empty(), "{imports:?}");
    assert_eq!(exports(&resolve, world), interface());
}

#[test]
fn the_documented_interface_is_the_one_that_is_built() {
    let mut resolve = Resolve::default();
    let file = components::root().join("wit/hmac.wit");
    let package = resolve.push_file(file).expect("a WIT document");
    let world = resolve
        .select_world(&[package], Some("signing"))
        .expect("a world");
    assert_eq!(exports(&resolve, world), interface());
}

/// The functions of each interface that a world exports.
fn exports(resolve: &Resolve, world: WorldId) -> BTreeMap<String, Vec<String>> {
    let exports = &resolve.worlds[world].exports;
    let exports = exports.values().map(|item| match item {
        WorldItem::Interface { id, .. } => {
            let functions = resolve.interfaces[*id].functions.values();
            let functions = functions.map(|function| signature(resolve, function));
            (resolve.id_of(*id).expect("a name"), functions.collect())
        }
        other => panic!("{other:?} is no interface"),
    });
    exports.collect()
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let parameters = function.params.iter();
    let parameters =
        parameters.map(|param| format!("{}: {}", param.name, text(resolve, &param.ty)));
    let parameters = parameters.collect::<Vec<_>>().join(", ");
    let result = function.result.as_ref().map(|ty| text(resolve, ty));
    format!(
        "{}({parameters}) -> {}",
        function.name,
        result.unwrap_or_default()
    )
}

/// A type as WIT writes it, aliases replaced by what they stand for.
fn text(resolve: &Resolve, ty: &Type) -> String {
    let optional = |ty: &Option<Type>| ty.as_ref().map_or("_".to_owned(), |ty| text(resolve, ty));
    match ty {
        Type::U8 => "u8".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::String => "string".to_owned(),
        Type::Id(id) => match &resolve.types[*id].kind {
            TypeDefKind::Type(ty) => text(resolve, ty),
            TypeDefKind::List(ty) => format!("list<{}>", text(resolve, ty)),
            TypeDefKind::Result(result) => {
                format!(
                    "result<{}, {}>",
                    optional(&result.ok),
                    optional(&result.err)
                )
            }
            other => format!("{other:?}"),
        },
        other => format!("{other:?}"),
    }
}

//! `fermyon:hmac`: the tags of the scheme `plain`.

use crate::instance::Instance;

struct Signing(Instance);

impl Signing {
    fn new() -> Self {
        Self(Instance::new())
    }

    fn sign(&mut self, data: &[u8], key: &[u8]) -> Vec<u8> {
        let sign = self
            .0
            .function::<(&[u8], &[u8]), (Result<Vec<u8>, String>,)>(
                "fermyon:hmac/sign@0.1.0",
                "sign",
            );
        let (tag,) = sign.call(&mut self.0.store, (data, key)).expect("no trap");
        tag.expect("no input is rejected")
    }

    fn verify(&mut self, data: &[u8], key: &[u8], tag: &[u8]) -> bool {
        let verify = self
            .0
            .function::<(&[u8], &[u8], &[u8]), (bool,)>("fermyon:hmac/verify@0.1.0", "verify");
        let (valid,) = verify
            .call(&mut self.0.store, (data, key, tag))
            .expect("no trap");
        valid
    }
}

/// Returns the tag, computed with the crate `hmac` only.
fn expected(data: &[u8], key: &[u8]) -> Vec<u8> {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("any length of key");
    mac.update(data);
    hex::encode_upper(mac.finalize().into_bytes()).into_bytes()
}

/// Returns key, data and tag of the test cases of RFC 4231 with a complete HMAC-SHA256.
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
        .map(|index: u32| index.to_le_bytes()[0])
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
fn many_large_inputs_do_not_exhaust_the_memory() {
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
fn an_invalid_tag_returns_false() {
    let mut signing = Signing::new();
    let tag = signing.sign(b"data", b"key");
    let with = |index: usize, byte: u8| {
        let mut tag = tag.clone();
        tag[index] = byte;
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
fn a_flipped_bit_anywhere_returns_false() {
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

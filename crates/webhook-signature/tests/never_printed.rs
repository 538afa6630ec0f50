//! Keys and their containers cannot be printed: this file does not compile if one can.

use std::fmt::{Debug, Display, LowerHex, Pointer, UpperHex};

use webhook_signature::tower::{VerifyLayer, VerifyService};
use webhook_signature::{Credential, Key};

/// Fails to compile if a type implements the trait: `check` then has two candidates and the call is
/// ambiguous.
macro_rules! has_none_of {
    ($type:ty: $($trait:path)*) => {
        $({
            trait Checked<Marker> {
                fn check() {}
            }
            impl<T: ?Sized> Checked<()> for T {}
            #[allow(dead_code, reason = "only its trait implementation matters")]
            struct Found;
            impl<T: ?Sized + $trait> Checked<Found> for T {}
            <$type as Checked<_>>::check();
        })*
    };
}

#[test]
fn keys_and_their_containers_cannot_be_printed_or_copied() {
    has_none_of!(Key: Debug Display LowerHex UpperHex Pointer Clone AsRef<[u8]> Into<Vec<u8>>);
    has_none_of!(Credential: Debug Display LowerHex UpperHex Pointer Clone AsRef<[u8]> AsRef<str>);
    has_none_of!(VerifyLayer: Debug Display);
    has_none_of!(VerifyService<()>: Debug Display);
}

#[test]
fn an_error_contains_no_part_of_the_secret() {
    let secret = "whsec_c2VjcmV0LXRoYXQtaXMtdG9vLXNob3J0!";
    let error = Credential::parse(secret).err().expect("rejected");
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("c2VjcmV0"), "{text}");
    }
}

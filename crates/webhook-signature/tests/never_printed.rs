//! Keys, and what holds them, cannot be printed: this file stops compiling if one ever can.

use std::fmt::{Debug, Display, LowerHex, Pointer, UpperHex};

use webhook_signature::tower::{VerifyLayer, VerifyService};
use webhook_signature::{Credential, Key};

/// Fails to compile if a type has the trait: `check` is then there twice, and nothing tells which
/// one is meant.
macro_rules! has_none_of {
    ($type:ty: $($trait:path)*) => {
        $({
            trait Checked<Marker> {
                fn check() {}
            }
            impl<T: ?Sized> Checked<()> for T {}
            #[allow(dead_code, reason = "it is there to be found or not to be")]
            struct Found;
            impl<T: ?Sized + $trait> Checked<Found> for T {}
            <$type as Checked<_>>::check();
        })*
    };
}

#[test]
fn keys_and_what_holds_them_cannot_be_printed_or_copied() {
    has_none_of!(Key: Debug Display LowerHex UpperHex Pointer Clone AsRef<[u8]> Into<Vec<u8>>);
    has_none_of!(Credential: Debug Display LowerHex UpperHex Pointer Clone AsRef<[u8]> AsRef<str>);
    has_none_of!(VerifyLayer: Debug Display);
    has_none_of!(VerifyService<()>: Debug Display);
}

#[test]
fn refusals_say_nothing_of_the_secret_they_are_about() {
    let secret = "whsec_c2VjcmV0LXRoYXQtaXMtdG9vLXNob3J0!";
    let error = Credential::parse(secret).err().expect("refused");
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.contains("c2VjcmV0"), "{text}");
    }
}

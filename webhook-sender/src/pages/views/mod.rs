//! The pages: each reads what it shows from the API, and renders its template.

pub mod deliveries;
pub mod delivery;
pub mod editor;
pub mod endpoint;
pub mod endpoint_list;
pub mod events;
pub mod home;
pub mod live;
pub mod overview;
pub mod rejected;
pub mod replay;
pub mod sign_in;
mod window;

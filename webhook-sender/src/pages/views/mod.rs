//! The pages: each reads what it shows from the API, and renders its template.

pub mod audit;
pub mod deliveries;
pub mod delivery;
pub mod editor;
pub mod endpoint;
pub mod endpoint_list;
pub mod events;
pub mod home;
pub mod keys;
pub mod live;
mod once;
pub mod overview;
pub mod portal;
pub mod rejected;
pub mod replay;
pub mod sign_in;
mod window;

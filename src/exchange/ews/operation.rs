//! The operations, one a file: how the request is written and what its response messages hold.

pub mod find_folder;
pub mod folder;
pub mod get_attachment;
pub mod get_folder;
pub mod get_item;
pub mod item;
pub mod sync_folder_hierarchy;
pub mod sync_folder_items;

/// Gives the element of a SOAP body the standard prefix.
fn wrap(operation: &'static str, attributes: &str, content: &str, asked: usize) -> super::session::Request {
    super::session::Request { operation, body: format!("<m:{operation}{attributes}>{content}</m:{operation}>"), asked }
}

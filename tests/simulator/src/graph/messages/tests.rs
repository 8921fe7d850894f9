//! Calls of this room, without a door before it.

//! The chain against doubles of its neighbours.

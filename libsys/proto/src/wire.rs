//! How requests and replies become registers. (Being written.)

/** Variable of the environment that names the node which commands ask, `host:port`. It is no key of a configuration. */
export const NODE_VARIABLE = 'WAFERSYNC_NODE';

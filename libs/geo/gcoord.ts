import module from 'gcoord';

/**
 * gcoord's types promise a `default` member of the CommonJS module, which exists only for bundlers:
 * at run time the module itself is that object.
 */
export const gcoord = module as unknown as (typeof module)['default'];

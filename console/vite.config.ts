import vue from '@vitejs/plugin-vue'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import Components from 'unplugin-vue-components/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import { defineConfig, type Plugin } from 'vite'

const OUT = '../api/console'
const WORTH_COMPRESSING = /\.(js|css|svg|html)$/

/** Compresses each asset once, when it is built, so that the server never does. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    closeBundle() {
      const folder = join(import.meta.dirname, OUT, 'assets')
      for (const name of readdirSync(folder).filter((each) => WORTH_COMPRESSING.test(each))) {
        const bytes = readFileSync(join(folder, name))
        writeFileSync(join(folder, `${name}.br`), brotliCompressSync(bytes))
        writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes, { level: 9 }))
      }
    },
  }
}

// widgets around a table that are not used here: inputs, menus, filters, areas, exports, icons
const UNUSED =
  /\.vxe-(default-(textarea|input|select)|input|textarea|ico-picker|icon|select|number-input|tree-select|cascader|date-picker|date-range-picker|table-(ex|im)port|table--(filter|context-menu|cell-(item|extend|main|active|clip)|sort|drag|validate|export)|toolbar|checkbox|radio|row-group|switch|button|modal|custom|grid|pager|form|tooltip|upload)/

// what a table could do besides: each adds itself to the table when it is loaded, or is drawn on demand
const UNUSED_MODULES = /\/table\/module\/(filter|menu|edit|export|keyboard|validator|custom)\/(hook|\w*-?panel)\.js/

/** A style sheet without rules that are of unused widgets alone, and without fonts. */
function used(style: string): string {
  return style
    .replace(/@font-face\s*\{[^}]*\}/g, '')
    .replace(/([^{}@]+)\{([^{}]*)\}/g, (_, selectors: string, rules: string) => {
      const left = selectors.split(',').filter((each) => !UNUSED.test(each))
      return left.length > 0 ? `${left.join(',')}{${rules}}` : ''
    })
}

/**
 * Takes out of vxe-table what would have pictures and fonts from data: addresses, and the modules and
 * styles of what is not used; an office's line is spared 50 KB.
 */
function ofTablesWhatIsUsed(): Plugin {
  return {
    name: 'of-tables-what-is-used',
    enforce: 'pre',
    transform(code, id) {
      if (!id.includes('/node_modules/vxe-table/')) return null
      if (id.endsWith('.css')) return used(code)
      if (UNUSED_MODULES.test(id)) return 'export default {}'
      return code.includes('data:') ? code.replace(/(\w+\.src) = 'data:[^']*';/g, '') : null
    },
  }
}

/**
 * Of sm-crypto-v2 the signing alone: its modules are objects that hold whatever they can do, so a
 * bundler keeps SM4, key agreement and encryption with them.
 */
function ofSm2WhatIsUsed(): Plugin {
  return {
    name: 'of-sm2-what-is-used',
    enforce: 'pre',
    transform(code, id) {
      if (!id.includes('/node_modules/sm-crypto-v2/')) return null
      const begins = code.indexOf('// src/sm4/index.ts')
      if (begins < 0) throw new Error('sm-crypto-v2 is made otherwise now: look at what is used of it')
      return `${code
        .slice(0, begins)
        .replace(/__export\((\w+), \{[^}]*\}\);/g, '')
        .replace(/^import .*(hkdf|_polyval).*$/gm, '')}
        const sm2 = { getHash, doSignature, getPublicKeyFromPrivateKey }
        export { sm2, sm32 as sm3 }`
    },
  }
}

export default defineConfig({
  // Relative, so that the console works under whatever prefix a proxy puts before it.
  base: './',
  resolve: {
    alias: {
      'dom-zindex': join(import.meta.dirname, 'src/instead/dom-zindex.ts'),
      crypto: join(import.meta.dirname, 'src/instead/crypto.ts'),
    },
  },
  plugins: [
    vue(),
    Components({ dts: false, dirs: [], resolvers: [ElementPlusResolver({ importStyle: 'css' })] }),
    ofTablesWhatIsUsed(),
    ofSm2WhatIsUsed(),
    compressed(),
  ],
  define: {
    __VUE_OPTIONS_API__: 'true', // vxe-table is written with it
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
    __INTLIFY_DROP_MESSAGE_COMPILER__: 'true', // words are functions already: src/words/index.ts
  },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    assetsInlineLimit: 0, // a data: address would need an exception in the policy
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { '/v1': process.env.GUOKU_URL ?? 'http://127.0.0.1:8080' } },
})

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

/** Takes pictures and fonts out of vxe-table that stand in it as data: addresses; none is needed. */
function withoutDataAddresses(): Plugin {
  return {
    name: 'without-data-addresses',
    enforce: 'pre',
    transform(code, id) {
      if (!id.includes('/node_modules/vxe-table/') || !code.includes('data:')) return null
      return code
        .replace(/url\("?data:[^)]*\) format\("?woff2"?\),\s*/g, '')
        .replace(/(\w+\.src) = 'data:[^']*';/g, '')
    },
  }
}

export default defineConfig({
  // Relative, so that the console works under whatever prefix a proxy puts before it.
  base: './',
  resolve: {
    alias: { 'dom-zindex': join(import.meta.dirname, 'src/instead/dom-zindex.ts') },
  },
  plugins: [
    vue(),
    Components({ dts: false, dirs: [], resolvers: [ElementPlusResolver({ importStyle: 'css' })] }),
    withoutDataAddresses(),
    compressed(),
  ],
  define: {
    __VUE_OPTIONS_API__: 'true', // vxe-table is written with it
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
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

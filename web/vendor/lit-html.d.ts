// Its types come with the package, which is installed to check the pages.
export * from 'lit-html';
